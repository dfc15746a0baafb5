/** Which nodes each node leads to. What is led to need not be a node itself. */
export type Edges = ReadonlyMap<string, readonly string[]>;

/**
 * The shortest way back to where one started, the start at both ends; undefined when there is none.
 *
 * @see Breadth-first search: Cormen et al., Introduction to Algorithms, ch. 20.
 */
export function cycleThrough(start: string, edges: Edges): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  let level = [start];
  while (level.length > 0) {
    const next: string[] = [];
    for (const node of level)
      for (const target of edges.get(node) ?? []) {
        if (target === start) return [...pathTo(node, start, cameFrom), start];
        if (cameFrom.has(target)) continue;
        cameFrom.set(target, node);
        next.push(target);
      }
    level = next;
  }
  return undefined;
}

function pathTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [end];
  for (let node = end; node !== start;) {
    node = cameFrom.get(node) ?? start;
    path.push(node);
  }
  return path.reverse();
}

/**
 * Groups of nodes: each leads only to nodes of groups before it. Nodes on a circle, and those that
 * lead to one, are in none. Targets that are no nodes are passed over.
 *
 * @see A. B. Kahn, "Topological sorting of large networks", CACM 5 (1962).
 */
export function levels(edges: Edges): readonly (readonly string[])[] {
  const leadingTo = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [node, targets] of edges) {
    const known = targets.filter((target) => edges.has(target));
    open.set(node, known.length);
    for (const target of known) leadingTo.set(target, [...(leadingTo.get(target) ?? []), node]);
  }
  const groups: string[][] = [];
  let ready = [...edges.keys()].filter((node) => open.get(node) === 0);
  while (ready.length > 0) {
    groups.push(ready.toSorted());
    const next: string[] = [];
    for (const node of ready)
      for (const source of leadingTo.get(node) ?? []) {
        const left = (open.get(source) ?? 0) - 1;
        open.set(source, left);
        if (left === 0) next.push(source);
      }
    ready = next;
  }
  return groups;
}

/**
 * Sets of nodes that all lead to one another, each of two or more, sorted.
 *
 * @see R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972); here
 * without recursion, since a chain may be as long as there are services.
 */
export function circles(edges: Edges): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];
  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    const visits = [visit(root)];
    for (let top = visits.at(-1); top; top = visits.at(-1)) {
      const target = top.targets[top.next++];
      if (target !== undefined) {
        if (!index.has(target)) visits.push(visit(target));
        else if (onStack.has(target)) lower(top.node, index.get(target));
        continue;
      }
      visits.pop();
      const above = visits.at(-1);
      if (above) lower(above.node, low.get(top.node));

      if (low.get(top.node) === index.get(top.node)) close(top.node);
    }
  }
  return found.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));

  function visit(node: string) {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    onStack.add(node);
    const targets = (edges.get(node) ?? []).filter((target) => edges.has(target));
    return { node, targets, next: 0 };
  }
  function lower(node: string, to = Infinity): void {
    low.set(node, Math.min(low.get(node) ?? Infinity, to));
  }
  function close(root: string): void {
    const members = stack.splice(stack.indexOf(root));
    for (const member of members) onStack.delete(member);
    if (members.length > 1) found.push(members.toSorted());
  }
}
