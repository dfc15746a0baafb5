/**
 * Repeats `assertion` until it holds.
 *
 * @throws What it threw last, when it does not hold within `timeoutMs`.
 */
export async function eventually<Result>(
  assertion: () => Result | Promise<Result>,
  timeoutMs = 4_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await assertion();
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
