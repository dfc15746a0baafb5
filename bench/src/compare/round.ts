import { closedLoop, type LoadOptions } from '../load/closed-loop';
import { assertNone } from '../load/judge-round';
import { CALLS_PER_RUN } from '../load/workflow';
import { peakRssMb, sumOf, treeCpuUs } from '../measure/proc';
import type { CallReport } from '../participant/call-counter';
import type { ParticipantProcess } from '../suite/participant';
import type { Contender } from './contender';
import type { DatabaseServer } from './database-counts';

/** What a contender did under one load; per run where nothing else is said. */
export interface Round {
  readonly runs: number;
  readonly runsPerS: number;
  /** From the start to the client's knowing of the end, each run. */
  readonly toldMs: readonly number[];
  /** From the start to the commit of the end, each run, where the client can know it. */
  readonly committedMs: readonly number[];
  /** CPU time by process: those a run needs. */
  readonly partsUs: ReadonlyMap<string, number>;
  /** CPU time of processes that run beside it as deployed. */
  readonly besideUs: number;
  readonly commits: number;
  readonly walBytes: number;
  /** The most its engine had resident since it started. */
  readonly memoryMb: number;
}

/** One load, counted at its end. @throws {Error} A run or a call was lost, or made twice. */
export async function measuredRound(
  contender: Contender,
  target: ParticipantProcess,
  server: DatabaseServer,
  load: LoadOptions,
): Promise<Round> {
  await contender.atRest();
  await contender.committedMs?.();
  await target.report();
  const before = await usageOf(contender, server);
  const { runs, ms } = await closedLoop(async (id) => {
    const startedAt = performance.now();
    await contender.run(id);
    return { id, ms: performance.now() - startedAt };
  }, load);
  await contender.atRest();
  const after = await usageOf(contender, server);

  const ids = new Set(runs.map(({ id }) => id));
  const ended = await contender.ended(ids);
  assertNone(contender.name, judge(ids.size, ended, await target.report()));
  const each = (value: (usage: Usage) => number) => (value(after) - value(before)) / runs.length;
  const cpuOf = (pid: number) => each(({ cpuUs }) => cpuUs.get(pid) ?? Number.NaN);
  const processes = contender.processes();
  const engines = processes.filter(({ isEngine }) => isEngine);
  const memory = await Promise.all(engines.map(({ pid }) => peakRssMb(pid)));
  return {
    runs: runs.length,
    runsPerS: (runs.length / ms) * 1_000,
    toldMs: runs.map((run) => run.ms),
    committedMs: (await contender.committedMs?.()) ?? [],
    partsUs: new Map(
      processes
        .filter(({ role }) => role === 'part')
        .map(({ name, pid }) => [name, cpuOf(pid)] as const),
    ),
    besideUs: processes
      .filter(({ role }) => role === 'beside')
      .reduce((sum, { pid }) => sum + cpuOf(pid), 0),
    commits: each(({ commits }) => commits),
    walBytes: each(({ walBytes }) => walBytes),
    memoryMb: memory.reduce((sum, mb) => sum + mb, 0),
  };
}

/**
 * What must hold of a load in which nothing failed. A sentence per violation.
 *
 * @param ended By the contender's own record; undefined when it keeps none.
 */
export function judge(
  runs: number,
  ended: number | undefined,
  { calls, keys }: CallReport,
): readonly string[] {
  const wanted = runs * CALLS_PER_RUN;
  return [
    ...(ended === undefined || ended === runs ? [] : [`${ended} of ${runs} runs ended well`]),
    ...(keys === wanted ? [] : [`${keys} different calls, and not ${wanted}`]),
    ...(calls === wanted ? [] : [`${calls} calls, and not ${wanted}`]),
  ];
}

interface Usage {
  readonly cpuUs: ReadonlyMap<number, number>;
  readonly commits: number;
  readonly walBytes: number;
}

async function usageOf(contender: Contender, server: DatabaseServer): Promise<Usage> {
  const cpuUs = await Promise.all(
    contender.processes().map(async ({ pid }) => [pid, sumOf(await treeCpuUs(pid))] as const),
  );
  return { cpuUs: new Map(cpuUs), ...(await server.counts()) };
}
