export { callLogFile, parseCallLog, type CallRecord } from './call-log';
export { FAULT_MODES, type Fault, type FaultMode } from './faults';
export { invariants, violations, type Invariants } from './invariants';
export { PARTICIPANT_NAMES, type Entry, type ParticipantName } from './participant';
export {
  startParticipant,
  type ParticipantProcess,
  type ParticipantProcessOptions,
} from './participant-process';
export { timelineText } from './timeline';
export { weddingDemo, type DemoOptions } from './wedding-demo';
