import type { EndedRun, Entry, RunClient } from './run-client';

export interface LoadOptions {
  readonly entry: Entry;
  readonly workflow: string;
  /** Runs under way at any time. */
  readonly concurrency: number;
  readonly forMs: number;
}

export interface LoadResult {
  readonly runs: readonly EndedRun[];
  /** From the first command to the last end. */
  readonly ms: number;
}

let loads = 0;

/** As soon as the end of a run is heard the next one is started. Returns when all have ended. */
export async function closedLoop(
  client: RunClient,
  { entry, workflow, concurrency, forMs }: LoadOptions,
): Promise<LoadResult> {
  const load = ++loads;
  const began = performance.now();
  const runs: EndedRun[] = [];
  let started = 0;
  const oneAfterAnother = async (): Promise<void> => {
    while (performance.now() - began < forMs)
      runs.push(await client.run(entry, workflow, `load-${process.pid}-${load}-${++started}`));
  };
  await Promise.all(Array.from({ length: concurrency }, oneAfterAnother));
  return { runs, ms: performance.now() - began };
}
