const WAIT_MS_MAX = 4_000;
const PAUSE_MS = 10;

/** Repeats `ask` until it passes; after 4 s it fails with the last reason, never with a bare time-out. */
export async function eventually<Answer>(ask: () => Promise<Answer> | Answer): Promise<Answer> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    try {
      return await ask();
    } catch (reason) {
      if (Date.now() > deadline) throw reason;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
