import { compare, type ServiceGraph } from './service-graph';

/**
 * The strongly connected components: in each, everybody reaches everybody. In the order in which
 * they can be laid out, callers first; Tarjan's algorithm, with a stack of its own, since a chain
 * of services may be longer than the one of the machine.
 */
export function components({ services, targetsOf }: ServiceGraph): readonly (readonly string[])[] {
  const indexOf = new Map<string, number>();
  const lowOf = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const found: string[][] = [];
  const enter = (name: string) => {
    indexOf.set(name, indexOf.size);
    lowOf.set(name, indexOf.size - 1);
    open.push(name);
    isOpen.add(name);
    return { name, next: 0 };
  };
  const lower = (name: string, to: number): void => {
    lowOf.set(name, Math.min(lowOf.get(name) ?? 0, to));
  };
  for (const root of services) {
    if (indexOf.has(root)) continue;
    const path = [enter(root)];
    for (let step = path.at(-1); step; step = path.at(-1)) {
      const target = targetsOf.get(step.name)?.[step.next++]?.target;
      if (target !== undefined) {
        if (!indexOf.has(target)) path.push(enter(target));
        else if (isOpen.has(target)) lower(step.name, indexOf.get(target) ?? 0);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above) lower(above.name, lowOf.get(step.name) ?? 0);
      if (lowOf.get(step.name) === indexOf.get(step.name)) found.push(close(step.name));
    }
  }
  return found.reverse();

  function close(name: string): string[] {
    const members = open.splice(open.indexOf(name));
    for (const one of members) isOpen.delete(one);
    return members.sort(compare);
  }
}

/** Services that need or call one another in a circle: each is there once, with all it shares a circle with. */
export const circlesOf = (graph: ServiceGraph): readonly (readonly string[])[] =>
  components(graph)
    .filter(
      ([first = '', ...more]) =>
        more.length > 0 || graph.targetsOf.get(first)?.some(({ target }) => target === first),
    )
    .toSorted(([one = ''], [other = '']) => compare(one, other));
