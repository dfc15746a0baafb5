import { array, assert, integer, property, record } from 'fast-check';
import { circles, cycleThrough, levels, type Edges } from './paths';

const edgesOf = (said: Readonly<Record<string, readonly string[]>>): Edges =>
  new Map(Object.entries(said));

/** Any graph of a few nodes; some targets are no nodes. */
const anyGraph = record({
  nodes: integer({ min: 0, max: 8 }),
  pairs: array(record({ from: integer({ min: 0, max: 7 }), to: integer({ min: 0, max: 9 }) }), {
    maxLength: 20,
  }),
}).map(({ nodes, pairs }): Edges => {
  const edges = new Map<string, string[]>();
  for (let node = 0; node < nodes; node++) edges.set(`n${node}`, []);
  for (const { from, to } of pairs) edges.get(`n${from}`)?.push(`n${to}`);
  return edges;
});

const reachableFrom = (start: string, edges: Edges): ReadonlySet<string> => {
  const found = new Set<string>();
  const open = [...(edges.get(start) ?? [])];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    open.push(...(edges.get(node) ?? []));
  }
  return found;
};

describe('the way back', () => {
  it('is the shortest one', () =>
    expect(cycleThrough('a', edgesOf({ a: ['b', 'c'], b: ['d'], d: ['a'], c: ['a'] }))).toEqual([
      'a',
      'c',
      'a',
    ]));

  it('is not one of others', () =>
    expect(cycleThrough('a', edgesOf({ a: ['b'], b: ['c'], c: ['b'] }))).toBeUndefined());

  it('is found if and only if there is one, and each step of it is an edge', () =>
    assert(
      property(anyGraph, (edges) => {
        for (const node of edges.keys()) {
          const cycle = cycleThrough(node, edges);
          expect(cycle !== undefined).toBe(reachableFrom(node, edges).has(node));
          for (const [at, from] of (cycle ?? []).slice(0, -1).entries())
            expect(edges.get(from)).toContain(cycle?.[at + 1]);
          if (cycle) expect([cycle[0], cycle.at(-1)]).toEqual([node, node]);
        }
      }),
    ));
});

describe('levels', () => {
  it('are as early as can be', () =>
    expect(levels(edgesOf({ a: ['b', 'c'], b: ['c'], c: ['unknown'], d: [] }))).toEqual([
      ['c', 'd'],
      ['b'],
      ['a'],
    ]));

  it('hold each node once, after all it leads to, unless it leads to a circle', () =>
    assert(
      property(anyGraph, (edges) => {
        const groups = levels(edges);
        const levelOf = new Map(groups.flatMap((group, at) => group.map((node) => [node, at])));
        expect(groups.flat().length).toBe(levelOf.size);
        for (const [node, targets] of edges) {
          const isStuck = [node, ...reachableFrom(node, edges)].some((one) =>
            reachableFrom(one, edges).has(one),
          );
          expect(levelOf.has(node)).toBe(!isStuck);
          for (const target of targets)
            if (levelOf.has(node) && edges.has(target))
              expect(levelOf.get(target)).toBeLessThan(levelOf.get(node) ?? 0);
        }
      }),
    ));
});

describe('circles', () => {
  it('are the nodes that lead to one another', () =>
    assert(
      property(anyGraph, (edges) => {
        const together = (a: string, b: string) =>
          reachableFrom(a, edges).has(b) && reachableFrom(b, edges).has(a);
        const found = circles(edges);
        for (const a of edges.keys())
          for (const b of edges.keys()) {
            if (a === b) continue;
            const isFound = found.some((circle) => circle.includes(a) && circle.includes(b));
            expect(isFound).toBe(together(a, b));
          }
        expect(new Set(found.flat()).size).toBe(found.flat().length);
      }),
    ));

  it('are found at the end of a long chain', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => [`n${at}`, [`n${at + 1}`]] as const);
    const edges = new Map([...chain, ['n20000', ['n19999']] as const]);
    expect(circles(edges)).toEqual([['n19999', 'n20000']]);
  });
});
