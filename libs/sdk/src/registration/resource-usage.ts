import { cpuUsage, hrtime, memoryUsage } from 'node:process';

export interface ResourceUsage {
  /** Of one core, since the last reading: two busy cores are 200. */
  readonly cpu_percent: number;
  readonly memory_mb: number;
}

/** @returns A reading of what this process used since the reading before. */
export function resourceMeter(): () => ResourceUsage {
  let cpuBefore = cpuUsage();
  let timeBefore = hrtime.bigint();
  return () => {
    const cpu = cpuUsage(cpuBefore);
    const now = hrtime.bigint();
    const elapsedUs = Math.max(Number(now - timeBefore) / 1_000, 1);
    cpuBefore = cpuUsage();
    timeBefore = now;
    return {
      cpu_percent: round(Math.min(((cpu.user + cpu.system) / elapsedUs) * 100, 100_000)),
      memory_mb: round(memoryUsage.rss() / 1_048_576),
    };
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
