/** For what should take milliseconds, on a machine that does much else; less than a test may take. */
export const WITHIN_MS = 30_000;
const PAUSE_MS = 10;

/**
 * Repeats `ask` until it does not throw, for what another thread, process or server does in its own
 * time.
 *
 * @param withinMs Default 30,000.
 * @throws What it threw last, when it still throws by then.
 */
export async function eventually<Answer>(
  ask: () => Promise<Answer> | Answer,
  withinMs = WITHIN_MS,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (reason) {
      if (Date.now() > deadline) throw reason;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
