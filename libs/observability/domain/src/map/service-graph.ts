/** What the graph of services is made of: who needs or calls whom. */
export interface Dependency {
  readonly source: string;
  readonly target: string;
  /** How certainly the source fails when the target does, 0 to 1. */
  readonly weight: number;
}

/** Names in one order, and who is next to whom; what is not named in `services` is left out. */
export interface ServiceGraph {
  readonly services: readonly string[];
  readonly targetsOf: ReadonlyMap<string, readonly Dependency[]>;
  readonly sourcesOf: ReadonlyMap<string, readonly Dependency[]>;
}

export function serviceGraph(
  names: readonly string[],
  dependencies: readonly Dependency[],
): ServiceGraph {
  const services = [...new Set(names)].sort();
  const targetsOf = new Map<string, Dependency[]>(services.map((name) => [name, []]));
  const sourcesOf = new Map<string, Dependency[]>(services.map((name) => [name, []]));
  const inOrder = dependencies.toSorted(
    (one, other) => compare(one.source, other.source) || compare(one.target, other.target),
  );
  for (const one of inOrder) {
    const targets = targetsOf.get(one.source);
    const sources = sourcesOf.get(one.target);
    if (!targets || !sources) continue;
    targets.push(one);
    sources.push(one);
  }
  return { services, targetsOf, sourcesOf };
}

export const compare = (one: string, other: string): number =>
  one < other ? -1 : Number(one > other);
