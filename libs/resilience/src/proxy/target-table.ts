import type { Endpoint } from '../balancing/endpoint';
import type { ProxyRequest } from './ports';
import type { Target } from './target';

/** A bounded number of targets. When it is full the one asked for longest ago that is idle goes. */
export class TargetTable<E extends Endpoint, Request extends ProxyRequest, Answer> {
  private readonly targets = new Map<string, Target<E, Request, Answer>>();

  constructor(private readonly max: number) {}

  /** The target there is; made when there is none. Without room it is not kept: a bound is a bound. */
  of(name: string, make: () => Target<E, Request, Answer>): Target<E, Request, Answer> {
    const known = this.targets.get(name);
    if (known) {
      this.targets.delete(name);
      this.targets.set(name, known);
      return known;
    }
    const target = make();
    if (this.targets.size >= this.max) this.forgetOne();
    if (this.targets.size < this.max) this.targets.set(name, target);
    return target;
  }

  [Symbol.iterator](): IterableIterator<Target<E, Request, Answer>> {
    return this.targets.values();
  }

  private forgetOne(): void {
    for (const [name, { bulkhead }] of this.targets)
      if (bulkhead.underWay === 0 && bulkhead.waiting === 0) {
        this.targets.delete(name);
        return;
      }
  }
}
