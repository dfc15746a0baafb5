export interface RoundEnd<Item> {
  /** The last one that was come to. */
  readonly last: Item | undefined;
  /** Some were not come to. */
  readonly isCutShort: boolean;
  /** The first one; each item without a fault is done all the same. */
  readonly fault?: unknown;
}

/** Does it to so many at once, until not one of them gets through: what they all need is away then. */
export async function besideEachOther<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<RoundEnd<Item>> {
  const faults: unknown[] = [];
  let last: Item | undefined;
  for (let from = 0; from < items.length; from += atOnce) {
    const slice = items.slice(from, from + atOnce);
    const outcomes = await Promise.allSettled(slice.map(work));
    last = slice.at(-1);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    faults.push(...failed.map(({ reason }): unknown => reason));
    if (failed.length === slice.length)
      return { last, isCutShort: from + atOnce < items.length, fault: faults[0] };
  }
  return { last, isCutShort: false, ...(faults.length > 0 && { fault: faults[0] }) };
}
