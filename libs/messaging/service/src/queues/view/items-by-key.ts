interface Keyed {
  readonly key: string;
}
const known = new WeakMap<readonly Keyed[], ReadonlyMap<string, readonly Keyed[]>>();

/** The items of an event, by key: each table asks once for each key of it. */
export function itemsByKey<Item extends Keyed>(
  items: readonly Item[],
): ReadonlyMap<string, readonly Item[]> {
  const found = known.get(items) as ReadonlyMap<string, readonly Item[]> | undefined;
  if (found) return found;
  const byKey = new Map<string, Item[]>();
  for (const item of items) {
    const those = byKey.get(item.key);
    if (those) those.push(item);
    else byKey.set(item.key, [item]);
  }
  known.set(items, byKey);
  return byKey;
}
