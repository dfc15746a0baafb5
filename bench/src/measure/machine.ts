import { cpus, loadavg, release, totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';

const LOOK_MS = 2_000;

/** Where and when figures were measured: without it they say nothing. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly kernel: string;
  readonly node: string;
  /** Processes that wanted to run, over the last minute. */
  readonly load_before: number;
  /** Share of all cores that was busy in the moment before the benchmarks began, from 0 to 1. */
  readonly busy_before: number;
}

export async function describeMachine(): Promise<Machine> {
  const [load = 0] = loadavg();
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
    load_before: Math.round(load * 10) / 10,
    busy_before: await busyShare(),
  };
}

/** The machine's work is not ours alone: what others use shows beside the figures. */
async function busyShare(): Promise<number> {
  const before = await ticks();
  await pause(LOOK_MS);
  const after = await ticks();
  const share = 1 - (after.idle - before.idle) / (after.all - before.all);
  return Math.round(share * 100) / 100;
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal (proc(5)). */
async function ticks(): Promise<{ readonly all: number; readonly idle: number }> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const fields = first.split(/\s+/).slice(1, 9).map(Number);
  const all = fields.reduce((sum, field) => sum + field, 0);
  return { all, idle: (fields[3] ?? 0) + (fields[4] ?? 0) };
}
