import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { InstanceProbes } from './probes/instance-probes';
import { WaitingLines, type Line, type Waiting } from './waiting-lines';

/** Checks of this replica that run at once; the others wait their turn. */
const UNDER_WAY_MAX = 512;
/** Of those, how many one host may hold, and how many those that took long the last time. */
const OF_HOST_MAX = 64;
const SLOW_MAX = 256;

/** What to ask, and how long to wait for the answer. */
export interface Ask {
  readonly request: CheckRequest;
  readonly timeoutMs: number;
}

/** One check, which may have to wait for its turn. */
export interface Asking {
  /** Undefined: it was not asked after all, or nothing can be said. */
  readonly result: Promise<CheckResult | undefined>;
  /** It goes before the routine from now on, if it still waits. */
  hurry(): void;
  /** It is not asked any more, unless it was already. */
  withdraw(): void;
}

interface InLine extends Waiting {
  readonly admit: (isIn: boolean) => void;
}

/** Asks instances, not more at once than this process, or one host, can do. */
@Injectable()
export class Probing {
  private count = 0;
  private slow = 0;
  private readonly ofHost = new Map<string, number>();
  /** No more than there are phases that are watched. */
  private readonly lines = new WaitingLines<InLine>();

  constructor(private readonly probes: InstanceProbes) {}

  get underWay(): number {
    return this.count;
  }

  /** @param turn Called when it is its turn; undefined: it need not be asked any more. */
  ask(wish: { readonly host: string; readonly line: Line }, turn: () => Ask | undefined): Asking {
    let admit: (isIn: boolean) => void = () => undefined;
    const admitted = new Promise<boolean>((resolve) => (admit = resolve));
    const one: InLine = { ...wish, admit };
    this.lines.add(one);
    this.fill();
    return {
      result: admitted.then((isIn) => (isIn ? this.run(one, turn) : undefined)),
      hurry: () => {
        this.lines.hurry(one);
        this.fill();
      },
      withdraw: () => {
        if (this.lines.remove(one)) one.admit(false);
      },
    };
  }

  private async run(one: InLine, turn: () => Ask | undefined): Promise<CheckResult | undefined> {
    try {
      const ask = turn();
      return ask && (await this.probes.run(ask.request, ask.timeoutMs));
    } finally {
      this.hold(one, -1);
      this.fill();
    }
  }

  private fill(): void {
    while (this.count < UNDER_WAY_MAX) {
      const next = this.lines.next(
        (line) => line !== 'slow' || this.slow < SLOW_MAX,
        (host) => (this.ofHost.get(host) ?? 0) < OF_HOST_MAX,
      );
      if (!next) return;
      this.hold(next, 1);
      next.admit(true);
    }
  }

  private hold({ host, line }: InLine, places: 1 | -1): void {
    const held = (this.ofHost.get(host) ?? 0) + places;
    if (held === 0) this.ofHost.delete(host);
    else this.ofHost.set(host, held);
    if (line === 'slow') this.slow += places;
    this.count += places;
  }
}
