import { simulate } from '../world/simulation';
import type { Tooth } from './tooth';
import { WRONG_DECISIONS } from './wrong-decisions';
import { WRONG_FAILURES } from './wrong-failures';
import { WRONG_FAMILIES } from './wrong-families';
import { WRONG_HELP } from './wrong-help';
import { WRONG_MIGRATIONS } from './wrong-migrations';
import { WRONG_PORTS } from './wrong-ports';
import { WRONG_TURNS } from './wrong-turns';

/** What the simulator must be able to find. */
export const TEETH: readonly Tooth[] = [
  ...WRONG_DECISIONS,
  ...WRONG_TURNS,
  ...WRONG_PORTS,
  ...WRONG_FAMILIES,
  ...WRONG_FAILURES,
  ...WRONG_HELP,
  ...WRONG_MIGRATIONS,
];

/** Where a planted bug showed first. */
export interface Bite {
  readonly seed: number;
  readonly violation: string;
}

/** @returns Nothing when no seed up to `lastSeed` finds it. */
export async function hunt(
  { mutation }: Tooth,
  firstSeed: number,
  lastSeed: number,
): Promise<Bite | undefined> {
  for (let seed = firstSeed; seed <= lastSeed; seed++) {
    const { violations } = await simulate({ seed, mutation });
    const [violation] = violations;
    if (violation !== undefined) return { seed, violation };
  }
  return undefined;
}
