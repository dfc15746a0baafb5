import { observabilityContract } from '@downbeat/contracts';
import type { CallFigures } from './call-report';

const { OTHER } = observabilityContract;

/** Of one source; as many services as a map shows. */
export const TARGETS_KEPT = 1_000;

/** Names of targets that have a place of their own, by source. */
export type NamedTargets = ReadonlyMap<string, ReadonlySet<string>>;

/** The figures with the names that there is room for, and these names: calls to all others are counted under one. */
export function withNamedTargets(
  calls: readonly CallFigures[],
  /** As keys, or as they are. */
  before: ReadonlyMap<string, Pick<ReadonlySet<string>, 'keys'>>,
): { readonly calls: CallFigures[]; readonly named: NamedTargets } {
  const after = new Map<string, Set<string>>();
  const named = new Map<string, Set<string>>();
  const bounded = calls.map((one) => {
    const { source_service, target_service } = one;
    if (target_service === OTHER) return one;
    const known = after.get(source_service) ?? new Set(before.get(source_service)?.keys());
    after.set(source_service, known);
    if (!known.has(target_service) && known.size >= TARGETS_KEPT)
      return { ...one, target_service: OTHER };
    known.add(target_service);
    named.set(source_service, (named.get(source_service) ?? new Set()).add(target_service));
    return one;
  });
  return { calls: bounded, named };
}
