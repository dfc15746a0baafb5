export * from './errors';
export * from './projection';
export { countsOf } from './rows/counts';
export * from './projection-runner';
export type { ProjectionStatus, ProjectorRole } from './projector/projection-status';
export type {
  ProjectionCrashPoint,
  ProjectionLog,
  ProjectorPace,
} from './projector/projector-options';
export { positionOf } from './read/position-of';
export * from './read/read-models';
export type { ParkedRetry } from './projector/retry-parked';
export type { Verification } from './replay/verify';
