/** Less than the 5 s a test has by default: it ends with the reason, not with a bare time-out. */
const WITHIN_MS = 4_000;
const PAUSE_MS = 10;

/**
 * Repeats `ask` until it does not throw, for what another thread, process or server does in its own
 * time.
 *
 * @param withinMs Default 4,000.
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
