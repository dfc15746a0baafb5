import type { Deadline } from '../deadline/deadline';
import type { Refusal } from '../refusal';

/** What an operation is told about the attempt it is. */
export interface AttemptContext {
  /** 1 for the first. */
  readonly number: number;
  /** Until when there has to be an answer; what is left of it goes out as a header. */
  readonly deadline: Deadline;
  /** Aborted when nobody waits for the attempt any more. Made when it is asked for: most never are. */
  readonly signal: AbortSignal;
  /**
   * The same without a signal, for one listener: told once when nobody waits any more, at once if that is so
   * already. It is not told of an attempt that ended by itself.
   */
  onGivenUp(listener: GivenUp): void;
}

export type GivenUp = (reason: Refusal) => void;

/** Aborted from the beginning if there is a reason. */
export function aborterFor(reason: Refusal | undefined): AbortController {
  const aborter = new AbortController();
  if (reason) aborter.abort(reason);
  return aborter;
}
