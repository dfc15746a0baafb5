/** What work comes to, unless its caller gives it up before. The work goes on. */
export function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  failure: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(failure());
    const end = onAbort(signal, giveUp);
    work.then(resolve, reject).finally(end);
  });
}

/** Tells once, at once if it was aborted before. @returns Ends it. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
