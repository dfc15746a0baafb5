/** @throws {Error} There is none: then that is what the test has found. */
export function first<Item>(
  items: readonly Item[],
  is: (item: Item) => boolean = () => true,
): Item {
  const found = items.find(is);
  if (found === undefined) throw new Error('nothing of that kind was found');
  return found;
}
