import type { Retrier, RetryOptions } from './retrier';

export type BatchOutcome<Result> =
  | { readonly isDone: true; readonly result: Result }
  | { readonly isDone: false; readonly failure: unknown };

export interface BatchOptions extends RetryOptions {
  /** So many at once; default 8. */
  readonly concurrencyMax?: number;
}

const CONCURRENCY_MAX = 8;

/**
 * Does the same for each item, and again for those that failed, on one budget. One that fails for good
 * does not stop the others.
 *
 * @returns What became of each, in the order of the items. Never throws for an item.
 */
export async function runBatch<Item, Result>(
  retrier: Retrier,
  items: readonly Item[],
  operation: (item: Item, attempt: number) => Promise<Result>,
  { concurrencyMax = CONCURRENCY_MAX, ...options }: BatchOptions = {},
): Promise<readonly BatchOutcome<Result>[]> {
  if (!(concurrencyMax >= 1)) throw new RangeError('at least one at a time');
  const outcomes: BatchOutcome<Result>[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [at, item] of queue)
      outcomes[at] = await outcomeOf(retrier.run((attempt) => operation(item, attempt), options));
  };
  await Promise.all(Array.from({ length: Math.min(concurrencyMax, items.length) }, work));
  return outcomes;
}

const outcomeOf = <Result>(running: Promise<Result>): Promise<BatchOutcome<Result>> =>
  running.then(
    (result) => ({ isDone: true, result }),
    (failure: unknown) => ({ isDone: false, failure }),
  );
