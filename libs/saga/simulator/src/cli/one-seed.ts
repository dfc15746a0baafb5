import { TEETH } from '../teeth/teeth';
import type { Fault } from '../weather/faults';
import { simulate, type SimulationOptions } from '../world/simulation';

/** Tells everything that happens under one seed, and if it fails, which kinds of faults that takes. */
export async function tellSeed(
  seed: number,
  toothName: string | undefined,
  say: (line: string) => void,
): Promise<boolean> {
  const tooth = TEETH.find(({ name }) => name === toothName);
  if (toothName !== undefined && !tooth) throw new RangeError(`there is no tooth ${toothName}`);
  const options = { seed, ...(tooth ? { mutation: tooth.mutation } : {}) };
  const { violations, faults } = await simulate({ ...options, onLine: say });
  say(`seed ${seed} has ${faults.join(', ')}`);
  if (violations.length === 0) {
    say('no violation');
    return true;
  }
  for (const violation of violations) say(`violation: ${violation}`);
  const needed = await neededOf(options, faults);
  say(`it fails as well with no other faults than: ${needed.join(', ') || 'none'}`);
  return false;
}

/** Leaves out one kind of fault after the other, as long as something still fails. */
async function neededOf(
  options: SimulationOptions,
  faults: readonly Fault[],
): Promise<readonly Fault[]> {
  const without = new Set<Fault>();
  for (const fault of faults) {
    without.add(fault);
    const { violations } = await simulate({ ...options, without });
    if (violations.length === 0) without.delete(fault);
  }
  return faults.filter((fault) => !without.has(fault));
}
