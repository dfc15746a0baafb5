// For those who run the engine without Nest, NATS and Postgres.
export { Admission, type TargetRules } from '../admission/admission';
export { BreakerReports } from '../breakers/breaker-reports';
export { ControlDefinition } from '../commands/control-definition';
export { OperateWorkflow } from '../commands/operate-workflow';
export { RoomElsewhere } from '../commands/room-elsewhere';
export { StartRuns } from '../commands/start-runs';
export { StartWorkflowHandler } from '../commands/start-workflow';
export { DefinitionLibrary } from '../definitions/definition-library';
export { PausedDefinitions } from '../definitions/paused-definitions';
export { RunsOfPaused } from '../definitions/runs-of-paused';
export { CRASH_POINTS, CrashPoints, type CrashPoint } from '../engine/crash-points';
export { DatabaseClock } from '../engine/database-clock';
export type { Reach } from '../engine/family';
export { Replica } from '../engine/replica';
export { RunEngine } from '../engine/run-engine';
export { workflowIdOf } from '../engine/workflow-id';
export { TargetCaller, type CallContext } from '../targets/target-caller';
