/** Waits; ends early, without an error, when the signal is aborted. */
export const pause = (delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
  });

/**
 * Exponential back-off with equal jitter: half of the delay is fixed, the other half left to
 * chance, so that a thousand services do not come back in the same moment.
 *
 * @param tries How many failed so far, at least 1.
 */
export const backOffMs = (tries: number, firstMs: number, maxMs: number): number => {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(tries - 1, 30));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
};

/** What comes within `ms`; undefined when nothing does, or the signal is aborted before. */
export async function gotWithin<Result>(
  ms: number,
  result: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const waiting = new AbortController();
  const end = (): void => waiting.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([result, pause(ms, waiting.signal).then(() => undefined)]);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Waits for it, however it ends, and no longer than `ms`. Whether it ended. */
export async function settledWithin(ms: number, done: Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController();
  const ended = done.then(
    () => true,
    () => true,
  );
  const isEnded = await Promise.race([ended, pause(ms, waiting.signal).then(() => false)]);
  waiting.abort();
  return isEnded;
}
