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
}

/** Aborted from the beginning if there is a reason. */
export function aborterFor(reason: Refusal | undefined): AbortController {
  const aborter = new AbortController();
  if (reason) aborter.abort(reason);
  return aborter;
}
