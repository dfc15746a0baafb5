import { readFile, readdir } from 'node:fs/promises';

/** Linux counts CPU time in ticks of 10 ms. */
const US_PER_TICK = 10_000;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ownUs: number;
  /** Of children that have ended and were waited for. */
  readonly endedChildrenUs: number;
}

/** CPU time of a process and all its threads so far, in µs; 0 when it is gone. */
export async function cpuUs(pid: number): Promise<number> {
  return (await statOf(String(pid)))?.ownUs ?? 0;
}

/**
 * CPU time of a process and its children so far, in µs, by pid; what ended children used stands
 * under the parent's pid, so that nothing gets lost when a Postgres connection closes.
 */
export async function treeCpuUs(root: number): Promise<ReadonlyMap<number, number>> {
  const stats = await allStats();
  return new Map(
    stats.flatMap((stat) => {
      if (stat.pid === root) return [[root, stat.ownUs + stat.endedChildrenUs] as const];
      return stat.parent === root ? [[stat.pid, stat.ownUs] as const] : [];
    }),
  );
}

/** CPU time of a process and all that it started so far, in µs, those that have ended too. */
export async function familyCpuUs(root: number): Promise<number> {
  const stats = await allStats();
  const members = new Set([root]);
  // As many turns as there are generations.
  for (let size = 0; size < members.size;) {
    size = members.size;
    for (const { pid, parent } of stats) if (members.has(parent)) members.add(pid);
  }
  return stats
    .filter(({ pid }) => members.has(pid))
    .reduce((sum, { ownUs, endedChildrenUs }) => sum + ownUs + endedChildrenUs, 0);
}

export const sumOf = (times: ReadonlyMap<number, number>): number =>
  [...times.values()].reduce((sum, us) => sum + us, 0);

/** The most memory a process has had resident since it began, in MB. */
export async function peakRssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}

async function allStats(): Promise<readonly Stat[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(names.map(statOf))).filter((stat) => stat !== undefined);
}

async function statOf(pid: string): Promise<Stat | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; fields 3 and on follow it (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const us = (...places: readonly number[]) =>
      places.reduce((sum, place) => sum + Number(fields[place]) * US_PER_TICK, 0);
    return {
      pid: Number(pid),
      parent: Number(fields[1]),
      ownUs: us(11, 12),
      endedChildrenUs: us(13, 14),
    };
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    // It ended between the listing and the reading.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw fault;
  }
}
