/**
 * Makes up to three attempts, until one takes less than `withinMs`: a busy machine stands still now and then,
 * but what takes too long by itself does so each time.
 *
 * @param attempt Of the number 0, 1 or 2. It returns how long it took in milliseconds.
 * @throws {Error} All three took longer. The message holds what each took.
 */
export async function quickOnce(
  withinMs: number,
  attempt: (number: number) => Promise<number>,
): Promise<void> {
  const tookMs: number[] = [];
  for (let number = 0; number < 3; number++) {
    const ms = await attempt(number);
    if (ms < withinMs) return;
    tookMs.push(Math.round(ms));
  }
  throw new Error(`not once within ${withinMs} ms: the attempts took ${tookMs.join(', ')} ms`);
}
