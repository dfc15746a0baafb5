/**
 * What `work` comes to, or undefined when that takes longer than `timeoutMs`. The work itself goes
 * on; what it throws after its time is dropped. Waiting for it alone keeps no process alive.
 */
export async function within<Result>(
  timeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs).unref();
  });
  const working = work();
  working.catch(() => undefined);
  try {
    return await Promise.race([working, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
