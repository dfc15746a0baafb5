import type { ParticipantProcess } from '../suite/participant';

/** Whose CPU time a process's is. */
export type Role =
  /** What a run needs: engine, its store, what carries its commands. */
  | 'part'
  /** Runs beside it as deployed, and has no part in a run. */
  | 'beside';

export interface MeasuredProcess {
  readonly name: string;
  readonly pid: number;
  readonly role: Role;
  /** Its memory is the engine's. A database is sized by its settings, not by runs. */
  readonly isEngine: boolean;
}

/**
 * What runs the same order: two calls with an idempotency key each, and a decision between them. It is
 * opened for a round and closed after it, so that one contender runs at any time.
 */
export interface Contender {
  readonly name: string;
  /** Where its commits can be counted. */
  readonly isOnPostgres: boolean;
  /** Returns when runs can begin; the calls go to `target`. */
  open(target: ParticipantProcess): Promise<void>;
  close(): Promise<void>;
  /** Starts a run. Returns when the client has been told of its good end. */
  run(runId: string): Promise<void>;
  /** Returns when it has nothing left to do for runs that have ended. */
  atRest(): Promise<void>;
  /** How many of these runs it has itself recorded as well ended; undefined when it records none. */
  ended(runIds: ReadonlySet<string>): Promise<number | undefined>;
  processes(): readonly MeasuredProcess[];
  /** From the start to the commit of the end, each run since it was last asked, in ms. */
  committedMs?(): Promise<readonly number[]>;
}

/** One that can be killed with runs under way. */
export interface DurableContender extends Contender {
  /** Starts runs. Returns when all are accepted, which a crash does not undo. */
  start(runIds: readonly string[]): Promise<void>;
  ended(runIds: ReadonlySet<string>): Promise<number>;
  /** Kills what runs the runs with SIGKILL, and its store where that is the same process. */
  kill(): Promise<void>;
  /** Returns when it is ready again. */
  restart(): Promise<void>;
}
