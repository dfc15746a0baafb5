import { compare, type ServiceGraph } from './service-graph';

/** What fails when one service does. */
export interface FailureImpact {
  /** From a service that is hit, along the strongest chain, to the one that fails. */
  readonly path: readonly string[];
  /** 0 to 100. */
  readonly failure_impact_score: number;
  /** Whom it reaches, beside itself. */
  readonly affected_services: number;
}

/** Those that most services use directly; the others cannot be at the top for long. */
const CANDIDATES_MAX = 50;
/** A failure that has become less likely than this is not followed. */
const SHARE_MIN = 0.01;

/**
 * For the services whose failure takes most with it: how much, and along which chain. A failure goes
 * from a target to a source with the weight of their connection, along the strongest chain there is. A
 * service counts for `1 + log2(1 + its calls a minute)`: the score is the share of all that fails, in percent.
 */
export function failureImpacts(
  graph: ServiceGraph,
  ratePerMinuteOf: (service: string) => number,
  countMax: number,
): readonly FailureImpact[] {
  const sizeOf = (service: string): number => 1 + Math.log2(1 + ratePerMinuteOf(service));
  const whole = graph.services.reduce((sum, service) => sum + sizeOf(service), 0);
  return graph.services
    .filter((service) => (graph.sourcesOf.get(service)?.length ?? 0) > 0)
    .toSorted(
      (one, other) =>
        (graph.sourcesOf.get(other)?.length ?? 0) - (graph.sourcesOf.get(one)?.length ?? 0) ||
        compare(one, other),
    )
    .slice(0, CANDIDATES_MAX)
    .map((service) => impactOf(graph, service, sizeOf, whole))
    .toSorted(
      (one, other) =>
        other.failure_impact_score - one.failure_impact_score ||
        compare(one.path.at(-1) ?? '', other.path.at(-1) ?? ''),
    )
    .slice(0, countMax);
}

interface Hit {
  readonly share: number;
  /** Who passed it on. */
  readonly by: string | undefined;
  /** How many did. */
  readonly depth: number;
}

function impactOf(
  graph: ServiceGraph,
  failing: string,
  sizeOf: (service: string) => number,
  whole: number,
): FailureImpact {
  const hits = spread(graph, failing);
  let lost = 0;
  let furthest = { service: failing, depth: 0, weight: 0 };
  for (const [service, { share, depth }] of hits) {
    const weight = share * sizeOf(service);
    lost += weight;
    const isFurther = depth > furthest.depth;
    if (isFurther || (depth === furthest.depth && depth > 0 && weight > furthest.weight))
      furthest = { service, depth, weight };
  }
  return {
    path: chainOf(hits, furthest.service),
    failure_impact_score: Math.round((lost / whole) * 1_000) / 10,
    affected_services: hits.size - 1,
  };
}

/** Whom the failure of one reaches, and how certainly: the strongest chain counts, found best first. */
function spread({ sourcesOf }: ServiceGraph, failing: string): ReadonlyMap<string, Hit> {
  const hits = new Map<string, Hit>();
  const waiting = new Map<string, Hit>([[failing, { share: 1, by: undefined, depth: 0 }]]);
  while (waiting.size > 0) {
    const [service, hit] = strongest(waiting);
    waiting.delete(service);
    hits.set(service, hit);
    for (const { source, weight } of sourcesOf.get(service) ?? []) {
      const share = hit.share * weight;
      if (hits.has(source) || share < SHARE_MIN) continue;
      if (share > (waiting.get(source)?.share ?? 0))
        waiting.set(source, { share, by: service, depth: hit.depth + 1 });
    }
  }
  return hits;
}

function strongest(waiting: ReadonlyMap<string, Hit>): readonly [string, Hit] {
  let best: readonly [string, Hit] | undefined;
  for (const one of waiting) if (!best || one[1].share > best[1].share) best = one;
  if (!best) throw new RangeError('nobody waits');
  return best;
}

function chainOf(hits: ReadonlyMap<string, Hit>, service: string): readonly string[] {
  const chain: string[] = [];
  for (let at: string | undefined = service; at !== undefined; at = hits.get(at)?.by)
    chain.push(at);
  return chain;
}
