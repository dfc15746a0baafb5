interface Lane {
  busy: number;
  readonly waiting: (() => void)[];
}

/**
 * Bounds the calls under way to each service. Further ones wait here, first come first served,
 * before their time-out begins: after a take-over no service meets all of its calls at once.
 */
export class CallGate {
  private readonly lanes = new Map<string, Lane>();
  private inside = 0;
  private outside = 0;

  constructor(private readonly callsPerServiceMax: number) {}

  get underWay(): number {
    return this.inside;
  }

  get waiting(): number {
    return this.outside;
  }

  /** @returns Nothing when the caller may go on at once; else its turn. Every `enter` needs a `leave`. */
  enter(service: string): Promise<void> | undefined {
    const lane = this.lanes.get(service) ?? { busy: 0, waiting: [] };
    this.lanes.set(service, lane);
    if (lane.busy < this.callsPerServiceMax) {
      lane.busy++;
      this.inside++;
      return undefined;
    }
    this.outside++;
    return new Promise((resolve) => lane.waiting.push(resolve));
  }

  leave(service: string): void {
    const lane = this.lanes.get(service);
    if (!lane) return;
    const next = lane.waiting.shift();
    if (next) {
      this.outside--;
      return next();
    }
    this.inside--;
    if (--lane.busy === 0) this.lanes.delete(service);
  }
}
