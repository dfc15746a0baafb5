import { DirectorySnapshot, type Entry } from '@downbeat/discovery';
import { percentile } from '../measure/statistics';

const LOOKUPS = 20_000;
const ROUNDS = 3;
const CAPABILITY = 'crowding';
const RANGE = '^1.0.0';

/**
 * Median nanoseconds, of each round, of the first look-up by capability and range after a change of one that has it,
 * in a snapshot of services that all have it. The change itself is not counted, reading the clock is.
 *
 * @throws {Error} Not all were found.
 */
export function capabilityLookupsNs(entries: readonly Entry[]): readonly number[] {
  const snapshot = new DirectorySnapshot();
  const able = entries.map((entry) => ({ ...entry, ...ABLE }));
  snapshot.take(able);
  let revision = snapshot.revision + Math.max(...entries.map((entry) => entry.revision));
  return Array.from({ length: ROUNDS }, () => {
    const times: number[] = [];
    for (let n = 0; n < LOOKUPS; n++) {
      const changed = able[n % able.length];
      if (changed) snapshot.take([{ ...changed, revision: ++revision }]);
      const began = process.hrtime.bigint();
      const found = snapshot.withCapability(CAPABILITY, RANGE);
      times.push(Number(process.hrtime.bigint() - began));
      if (found.length !== able.length) throw new Error('a service was not found');
    }
    return percentile(times, 0.5);
  });
}

const ABLE = {
  capabilities: [CAPABILITY],
  capability_versions: { [CAPABILITY]: '1.0.0' },
  unversioned_capabilities: [CAPABILITY],
};
