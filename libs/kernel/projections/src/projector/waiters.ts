interface Waiter {
  readonly isMet: () => boolean;
  readonly settle: (met: boolean) => void;
}

/** Callers that wait, each for a bounded time, until something holds. */
export class Waiters {
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly waitingMax: number) {}

  get count(): number {
    return this.waiting.size;
  }

  /** @returns Whether it held within `timeoutMs`; false at once when too many wait already. */
  until(isMet: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isMet()) return Promise.resolve(true);
    if (this.waiting.size >= this.waitingMax || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      const waiter: Waiter = {
        isMet,
        settle: (met) => {
          clearTimeout(timer);
          this.waiting.delete(waiter);
          resolve(met);
        },
      };
      this.waiting.add(waiter);
    });
  }

  /** Something changed: lets those go whose condition holds now. */
  check(): void {
    for (const waiter of this.waiting) if (waiter.isMet()) waiter.settle(true);
  }

  /** Nothing will change any more. */
  close(): void {
    for (const waiter of this.waiting) waiter.settle(false);
  }
}
