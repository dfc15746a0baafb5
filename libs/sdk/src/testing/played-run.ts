import type { JsonValue } from './json-value';

/** One call that the run made. */
export interface PlayedCall {
  /** A step's name, or `<step>:undo`. */
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
  readonly service_name: string;
  readonly endpoint: string;
  readonly input: JsonValue;
  /** Milliseconds of virtual time since the start. */
  readonly atMs: number;
}

/** What became of a run that was played to its end, or to where it waits for a person. */
export interface PlayedRun {
  /** `parked`: an undo keeps failing, and nothing happens until somebody acts. */
  readonly status: 'completed' | 'failed' | 'compensated' | 'parked';
  /** Why it did not complete. */
  readonly reason: string | undefined;
  /** The context at the end: start data and everything that steps have written. */
  readonly context: { readonly [key: string]: JsonValue | undefined };
  readonly calls: readonly PlayedCall[];
  /** Names of the calls, in their order: `['hold', 'pay', 'pay', 'hold:undo']`. */
  readonly called: readonly string[];
  /** Steps that completed, in the order in which they did. */
  readonly completed: readonly string[];
  /** Steps that were undone, in the order in which they were. */
  readonly undone: readonly string[];
  /** Types of everything that was recorded, with the step's name where there is one. */
  readonly timeline: readonly string[];
  /** Virtual time from the start to the end, in milliseconds. */
  readonly elapsedMs: number;
  /** Signals that the run did not take, and why. Those that would come after its end are not sent. */
  readonly refusedSignals: readonly {
    readonly signal: string;
    readonly atMs: number;
    readonly code: string;
    readonly message: string;
  }[];
  /** Runs that were played in the place of its steps, in the order in which they began. */
  readonly children: readonly { readonly step: string; readonly run: PlayedRun }[];
}
