import type { AnswerCache } from './answer-cache';
import type { Invalidation } from './invalidation';

/** What an event says is not true any more, by the event's type. */
export type InvalidationRules<Data> = Readonly<
  Record<string, (data: Data) => readonly Invalidation[]>
>;

/** Hands events on to a cache: whoever subscribes to them calls {@link heard} with each. */
export class InvalidationByEvent<Data> {
  private readonly rules: ReadonlyMap<string, (data: Data) => readonly Invalidation[]>;

  constructor(
    private readonly cache: Pick<AnswerCache<unknown>, 'invalidate'>,
    rules: InvalidationRules<Data>,
  ) {
    this.rules = new Map(Object.entries(rules));
  }

  /** @returns How many entries went; 0 for an event that no rule is about. */
  heard(type: string, data: Data): number {
    const invalidations = this.rules.get(type)?.(data) ?? [];
    return invalidations.reduce((gone, one) => gone + this.cache.invalidate(one), 0);
  }
}
