import type { EventStore } from '@downbeat/event-store';
import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import type { LogHead } from './log-head';
import type { LogReader } from './log-reader';

/** Where a test or a drill may stop the process, or break a connection, on purpose. */
export type ProjectionCrashPoint = 'projector.before-commit' | 'projector.after-commit';

/** Fits `pino`; facts first, then one sentence. */
export interface ProjectionLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** Of each batch; absent when nobody wants to know. */
  readonly debug?: (facts: object, message: string) => void;
}

export interface ProjectorPace {
  /** How often to look when nobody gave a hint, or only for other contexts' events; default 250. */
  readonly pollMs: number;
  /** Pause after a batch that was not full, so that a busy log is read in batches; default 40. */
  readonly restMs: number;
  /** Other contexts' events alone move the stored checkpoint this often; default 1,000. */
  readonly idleCheckpointMs: number;
  /** How often to look whether a newer version has taken over, while there is nothing to do; default 5,000. */
  readonly recordPollMs: number;
  /** Positions per transaction while following; default 1,000. */
  readonly batchMax: number;
  /** Positions per transaction while building; default 5,000. */
  readonly rebuildBatchMax: number;
  /** For so long rows are kept as they were, so that the past can be asked for; 0: never. Default 24 hours. */
  readonly pastKeptMs: number;
  /** How often what is older is looked for; default 60,000. */
  readonly pastPruneMs: number;
  /** Rows kept in memory while building, as JSON; default 32 MB. */
  readonly rebuildCacheBytesMax: number;
}

export const defaultPace: ProjectorPace = {
  pollMs: 250,
  restMs: 40,
  idleCheckpointMs: 1_000,
  recordPollMs: 5_000,
  batchMax: 1_000,
  rebuildBatchMax: 5_000,
  rebuildCacheBytesMax: 32_000_000,
  pastKeptMs: 86_400_000,
  pastPruneMs: 60_000,
};

export interface ProjectorOptions {
  readonly pool: Pool;
  readonly store: Pick<EventStore, 'positionAt'>;
  readonly head: LogHead;
  readonly reader: LogReader;
  readonly log: ProjectionLog;
  readonly pace: ProjectorPace;
  /** Of events that a live read model shows now, when the transaction that applied them began. */
  readonly onApplied?: (
    projection: string,
    events: readonly RecordedEvent[],
    beganMs: number,
  ) => void;
  readonly onCrashPoint?: (point: ProjectionCrashPoint, projection: string) => void | Promise<void>;
}
