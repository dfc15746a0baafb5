/** How a tier stands: endpoints listed for new calls, and those of them that may get one. */
export interface TierHealth {
  readonly listed: number;
  readonly eligible: number;
}

export interface TierLoad {
  /** Its share of the calls; those of all tiers add up to 1, or are all 0 if nobody can take any. */
  readonly load: number;
  /** Too few are eligible and nobody can help: all are used. */
  readonly isPanicking: boolean;
}

/**
 * The first tier takes all calls while enough of it is eligible. Below that it takes what is in
 * proportion, and the next one the rest. When all together are not enough they share what there is,
 * and tiers that are nearly gone use everybody, rather than knock the last ones over.
 *
 * @see Envoy, "Priority levels" (its overprovisioning factor is 1 / `spillBelowShare`) and "Panic
 *      threshold".
 */
export function tierLoads(
  tiers: readonly TierHealth[],
  spillBelowShare: number,
  panicBelowShare: number,
): readonly TierLoad[] {
  const healths = tiers.map(({ listed, eligible }) =>
    listed === 0 ? 0 : Math.min(1, eligible / listed / spillBelowShare),
  );
  const sum = healths.reduce((total, health) => total + health, 0);
  const isEnough = sum >= 1 - 1e-9;
  const panics = tiers.map(
    ({ listed, eligible }) => !isEnough && listed > 0 && eligible / listed < panicBelowShare,
  );
  if (sum > 0) return inOrder(healths, Math.min(1, sum), panics);
  // Nobody is eligible: as many calls as there are endpoints, where all are used.
  const listed = tiers.map((tier, index) => (panics[index] ? tier.listed : 0));
  return inOrder(listed, listed.reduce((total, count) => total + count, 0) || 1, panics);
}

function inOrder(
  parts: readonly number[],
  whole: number,
  panics: readonly boolean[],
): readonly TierLoad[] {
  let left = 1;
  return parts.map((part, index) => {
    const load = Math.min(left, part / whole);
    left = left - load < 1e-9 ? 0 : left - load;
    return { load, isPanicking: panics[index] ?? false };
  });
}
