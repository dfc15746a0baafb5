import { Deadline } from '../deadline/deadline';
import { WheelEntry } from '../deadline/timer-wheel';
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

/** An attempt in one object with its place in the wheel, and a signal that is made when it is asked for. */
export abstract class TimedAttempt extends WheelEntry implements AttemptContext {
  abstract readonly number: number;
  protected dueMs = 0;
  private aborter: AbortController | undefined;
  private reason: Refusal | undefined;

  get deadline(): Deadline {
    return Deadline.at(this.dueMs);
  }

  get signal(): AbortSignal {
    return (this.aborter ??= aborterFor(this.reason)).signal;
  }

  /** Whoever listens hears of it, now or when asking. */
  protected giveUp(reason: Refusal): void {
    this.reason = reason;
    this.aborter?.abort(reason);
  }
}
