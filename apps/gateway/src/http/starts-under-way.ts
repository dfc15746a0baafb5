import type { Problem } from '@downbeat/message-bus';

/** Requests of the edge that start runs and have no outcome yet: more would only wait longer. */
export class StartsUnderWay {
  private count = 0;

  constructor(private readonly max = 1_000) {}

  /** @returns Undefined when there are enough of them: nothing was sent. */
  async within<Outcome>(start: () => Promise<Outcome>): Promise<Outcome | undefined> {
    if (this.count >= this.max) return undefined;
    this.count++;
    try {
      return await start();
    } finally {
      this.count--;
    }
  }
}

export const EDGE_FULL: Problem = {
  code: 'gateway/overloaded',
  message: 'enough runs are being started already; nothing was sent',
  kind: 'unavailable',
};
