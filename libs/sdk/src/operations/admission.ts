import {
  Bulkhead,
  PRIORITIES,
  TimeOuts,
  type Deadline,
  type Priority,
  type Waiter,
} from '@downbeat/resilience';

/** How soon a call is to be answered, in relation to others; the caller says it. */
export const PRIORITY_HEADER = 'downbeat-priority';

export interface AdmissionOptions {
  /** Calls that are handled at once. */
  readonly callsMax: number;
  /** Calls of each priority that wait for their turn; more are refused. */
  readonly waitingMax: number;
  /** No call waits longer. */
  readonly waitMs: number;
  /** Milliseconds. */
  readonly now: () => number;
}

const isPriority = (text: string | undefined): text is Priority =>
  (PRIORITIES as readonly (string | undefined)[]).includes(text);

/** Anyone can write headers: what is no priority is none. */
export const priorityOf = (header: string | undefined): Priority =>
  isPriority(header) ? header : 'normal';

/**
 * Lets as many calls pass as may be handled at once. Of those that wait, critical ones get the most
 * turns; low ones get the fewest, so their line is full first, and they are refused first.
 */
export class Admission {
  private readonly bulkhead: Bulkhead;

  constructor(private readonly options: AdmissionOptions) {
    const { callsMax: concurrencyMax, waitingMax: queueMax, waitMs: queueMs, now } = options;
    const policy = { concurrencyMax, queueMax, queueMs };
    this.bulkhead = new Bulkhead(policy, new TimeOuts(now));
  }

  /** Handled or waiting. */
  get isIdle(): boolean {
    return this.bulkhead.underWay + this.bulkhead.waiting === 0;
  }

  /** True: it has a place, to be handed back with {@link leave}. False: there is none in time. */
  enter(priority: Priority, deadline: Deadline): boolean | Promise<boolean> {
    if (this.bulkhead.tryEnter()) return true;
    const nowMs = this.options.now();
    return new Promise((resolve) => {
      const waiter: Waiter = { go: () => resolve(true), refused: () => resolve(false) };
      this.bulkhead.wait(waiter, priority, nowMs + deadline.leftMs(nowMs), nowMs);
    });
  }

  leave(): void {
    this.bulkhead.leave();
  }
}
