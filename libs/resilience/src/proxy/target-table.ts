import type { Endpoint } from '../balancing/endpoint';
import type { ProxyRequest } from './ports';
import type { Target } from './target';

/** A bounded number of targets. When it is full the oldest one goes that is idle. */
export class TargetTable<E extends Endpoint, Request extends ProxyRequest, Answer> {
  private readonly targets = new Map<string, Target<E, Request, Answer>>();

  constructor(private readonly max: number) {}

  find(name: string): Target<E, Request, Answer> | undefined {
    return this.targets.get(name);
  }

  /** Without room it is not kept: a bound is a bound. */
  add(target: Target<E, Request, Answer>): void {
    if (this.targets.size >= this.max) this.forgetOne();
    if (this.targets.size < this.max) this.targets.set(target.name, target);
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
