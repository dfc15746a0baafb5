import type { WheelEntry } from './timer-wheel';

/** Where something waits for its time: a wheel, or the time-outs of a process. Times in milliseconds. */
export interface Clockwork {
  /** @throws {RangeError} `dueMs` is not finite. */
  add(entry: WheelEntry, dueMs: number): void;
  /** Nothing happens when it does not wait any more. */
  remove(entry: WheelEntry): void;
}
