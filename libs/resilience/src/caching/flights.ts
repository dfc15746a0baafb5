import { isMeant, type Invalidation } from './invalidation';

/** A call under way that others wait for too. */
export interface Flight<Value> {
  readonly tags: readonly string[];
  readonly landing: Promise<Value>;
  /** It began before its key was invalidated: nobody joins it any more, and its answer is not kept. */
  isOutdated: boolean;
}

/**
 * One call under way for each key; whoever asks for the same meanwhile waits for it. A bounded number:
 * beyond it everybody flies alone.
 *
 * @see singleflight of Go's groupcache.
 */
export class Flights<Value> {
  private readonly underWay = new Map<string, Flight<Value>>();

  constructor(private readonly max: number) {}

  get size(): number {
    return this.underWay.size;
  }

  /** The one under way that may be joined. */
  find(key: string): Flight<Value> | undefined {
    return this.underWay.get(key);
  }

  /**
   * @param fly Begins the call.
   * @param landed Told of its answer before anybody who waits, with whether it may be kept.
   */
  begin(
    key: string,
    tags: readonly string[],
    fly: () => Promise<Value>,
    landed: (flight: Flight<Value>, value: Value) => void,
  ): Flight<Value> {
    const landing = fly().then(
      (value) => {
        this.end(key, flight);
        landed(flight, value);
        return value;
      },
      (failure: unknown) => {
        this.end(key, flight);
        throw failure;
      },
    );
    const flight: Flight<Value> = { tags, landing, isOutdated: false };
    if (this.underWay.size < this.max) this.underWay.set(key, flight);
    return flight;
  }

  outdate(what: Invalidation): void {
    for (const [key, flight] of this.underWay) {
      if (!isMeant(what, key, flight.tags)) continue;
      flight.isOutdated = true;
      this.underWay.delete(key);
    }
  }

  private end(key: string, flight: Flight<Value>): void {
    if (this.underWay.get(key) === flight) this.underWay.delete(key);
  }
}
