/**
 * Sends items together; when they are refused together, sends each half by itself, until the one
 * that is wrong stands alone. One bad item among n costs about 2 log2 n more calls.
 *
 * @param send One result or fault per item; when it throws, none of the items had an effect.
 * @param blame Turns a refusal into the fault of the one item that caused it; undefined when the
 *              fault is nobody's, and sending less would not help.
 * @throws What `send` threw for all items at once and `blame` does not pin on one.
 */
export async function sendHalving<Item, Result>(
  items: readonly Item[],
  send: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
  blame: (item: Item, fault: unknown) => Error | undefined,
): Promise<readonly (Result | Error)[]> {
  try {
    return await send(items);
  } catch (fault) {
    const [only, ...others] = items;
    const blamed = only && blame(only, fault);
    if (blamed === undefined) throw fault;
    if (others.length === 0) return [blamed];
  }
  const middle = Math.ceil(items.length / 2);
  // One half may be done when the other meets a lost connection: each has an outcome of its own.
  const settled = (half: readonly Item[]) =>
    sendHalving(half, send, blame).catch((fault: Error) => half.map(() => fault));
  const first = await settled(items.slice(0, middle));
  return [...first, ...(await settled(items.slice(middle)))];
}
