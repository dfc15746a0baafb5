import { median } from '../measure/statistics';

/** What one call costs more than the bare one, in ns of CPU time. */
export interface PerCall {
  readonly bareNs: number;
  readonly overNs: number;
}

const ROUNDS = 21;
const WARM_UP_ROUNDS = 4;
const WARM_UP_CALLS = 20_000;
/** Of one round, so that what is dear takes no longer than what is cheap. */
const ROUND_NS = 30_000_000;
const CALLS_MAX = 200_000;

/**
 * Calls one after the other, bare and guarded in turns, so that a busy moment meets both. CPU time of
 * the whole process: what the collector does afterwards is part of the price.
 */
export async function perCall(
  bare: () => Promise<unknown>,
  guarded: () => Promise<unknown>,
): Promise<PerCall> {
  const [bareNs, guardedNs]: [number[], number[]] = [[], []];
  let calls = WARM_UP_CALLS;
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const [without, withIt] = [await bareRound(bare, calls), await guardedRound(guarded, calls)];
    calls = Math.min(CALLS_MAX, Math.ceil(ROUND_NS / withIt));
    if (round < 0) continue;
    bareNs.push(without);
    guardedNs.push(withIt);
  }
  return { bareNs: median(bareNs), overNs: median(guardedNs) - median(bareNs) };
}

// Two loops that are alike: one that calls both would be compiled for neither.
async function bareRound(call: () => Promise<unknown>, calls: number): Promise<number> {
  const before = process.cpuUsage();
  for (let one = 0; one < calls; one++) await call();
  return nsPerCall(process.cpuUsage(before), calls);
}

async function guardedRound(call: () => Promise<unknown>, calls: number): Promise<number> {
  const before = process.cpuUsage();
  for (let one = 0; one < calls; one++) await call();
  return nsPerCall(process.cpuUsage(before), calls);
}

const nsPerCall = ({ user, system }: NodeJS.CpuUsage, calls: number): number =>
  ((user + system) * 1_000) / calls;
