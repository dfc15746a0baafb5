import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { familyCpuUs } from './proc';

/** Linux counts CPU time in ticks of 10 ms. */
const US_PER_TICK = 10_000;

interface Moment {
  readonly atMs: number;
  readonly busyUs: number;
  readonly ownUs: number;
}

/** How much of the machine others use while something is measured: figures of a busy one say less. */
export class OtherLoad {
  private constructor(private last: Moment) {}

  static async watch(): Promise<OtherLoad> {
    return new OtherLoad(await now());
  }

  /** Share of all cores that others used since it was last asked, from 0 to 1. */
  async take(): Promise<number> {
    const [before, after] = [this.last, await now()];
    this.last = after;
    const others = after.busyUs - before.busyUs - (after.ownUs - before.ownUs);
    const all = (after.atMs - before.atMs) * 1_000 * cpus().length;
    // Ticks are counted in two places, so that next to nothing may come out as less than nothing.
    return Math.max(0, others / all);
  }
}

async function now(): Promise<Moment> {
  const [busyUs, ownUs] = await Promise.all([machineUs(), familyCpuUs(process.pid)]);
  return { atMs: performance.now(), busyUs, ownUs };
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal (proc(5)). */
async function machineUs(): Promise<number> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = first
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * US_PER_TICK;
}
