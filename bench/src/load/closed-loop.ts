export interface LoadOptions {
  /** Runs under way at any time. */
  readonly concurrency: number;
  readonly forMs: number;
  /** It goes on until so many have begun, up to four times as long. Default: 0. */
  readonly runsMin?: number;
}

export interface LoadResult<Run> {
  readonly runs: readonly Run[];
  /** From the first command to the last end. */
  readonly ms: number;
}

const SLOW_BY_MAX = 4;
let loads = 0;

/** As soon as one run has ended the next one is begun, under an id of its own. Returns when all have ended. */
export async function closedLoop<Run>(
  run: (id: string) => Promise<Run>,
  { concurrency, forMs, runsMin = 0 }: LoadOptions,
): Promise<LoadResult<Run>> {
  const load = ++loads;
  const began = performance.now();
  const runs: Run[] = [];
  let started = 0;
  const oneAfterAnother = async (): Promise<void> => {
    while (performance.now() - began < (started < runsMin ? SLOW_BY_MAX : 1) * forMs)
      runs.push(await run(`load-${process.pid}-${load}-${++started}`));
  };
  await Promise.all(Array.from({ length: concurrency }, oneAfterAnother));
  return { runs, ms: performance.now() - began };
}
