export * from './errors';
export * from './projection';
export * from './projection-runner';
export type { ProjectionStatus, ProjectorRole } from './projection-status';
export type { ProjectionCrashPoint, ProjectionLog, ProjectorPace } from './projector-options';
export * from './read-models';
export type { ParkedRetry } from './retry-parked';
export type { Verification } from './verify';
