import { setTimeout as pause } from 'node:timers/promises';
import { cpuUs, sumOf, treeCpuUs } from '../measure/proc';
import type { BenchSuite } from './bench-suite';
import type { LogCounts } from './log-counts';

/** Connections of Postgres report what they did after being idle for a second at most. */
const REPORT_MS = 1_200;

/** What the suite has used so far: CPU time in µs, and commits. */
export interface Usage {
  readonly saga: number;
  readonly postgres: number;
  readonly nats: number;
  readonly gateway: number;
  /** Registry, health and orchestrator, which have no part in a run. */
  readonly others: number;
  readonly logCommits: number;
  readonly transactions: number;
}

/** Take it when the suite has nothing left to do. */
export async function usageOf(suite: BenchSuite, counts: LogCounts): Promise<Usage> {
  const [saga, gateway, postgres, nats, ...others] = await Promise.all([
    cpuUs(suite.app('saga').pid),
    cpuUs(suite.app('gateway').pid),
    treeCpuUs(suite.postgres.pid).then(sumOf),
    cpuUs(suite.nats.pid),
    ...(['registry', 'health', 'orchestrator'] as const).map((name) => cpuUs(suite.app(name).pid)),
  ]);
  await pause(REPORT_MS);
  return {
    saga,
    postgres,
    nats,
    gateway,
    others: others.reduce((sum, us) => sum + us, 0),
    logCommits: await counts.logCommits(),
    transactions: await counts.transactions(),
  };
}

/** Per run, between two moments. */
export function usagePerRun(before: Usage, after: Usage, runs: number): Usage {
  const entries = Object.entries(after).map(([key, value]) => [
    key,
    (value - before[key as keyof Usage]) / runs,
  ]);
  return Object.fromEntries(entries) as Usage;
}
