import { readFile, readdir } from 'node:fs/promises';

/** Linux counts CPU time in ticks of 10 ms. */
const US_PER_TICK = 10_000;

/**
 * CPU time that the Postgres server of `postmasterPid` has used so far, in µs: every process of it
 * that is alive. Read before connections close, since a backend takes its count with it.
 */
export async function serverCpuUs(postmasterPid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => statOf(pid)));
  return stats
    .filter((stat) => stat.pid === postmasterPid || stat.parent === postmasterPid)
    .reduce((sum, stat) => sum + stat.ticks * US_PER_TICK, 0);
}

async function statOf(pid: string): Promise<{ pid: number; parent: number; ticks: number }> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; fields 3 and on follow it (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid: Number(pid),
      parent: Number(fields[1]),
      ticks: Number(fields[11]) + Number(fields[12]),
    };
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    // It ended between the listing and the reading.
    if (code === 'ENOENT' || code === 'ESRCH') return { pid: 0, parent: 0, ticks: 0 };
    throw fault;
  }
}
