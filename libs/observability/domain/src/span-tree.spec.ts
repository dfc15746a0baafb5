import { spanTree } from './span-tree';
import { childSpan, idOf, someSpan } from './testing/some-span';
import type { Span } from './span';

const placesOf = (...spans: readonly Span[]): readonly string[] =>
  spanTree(spans).map(({ span, depth }) => `${parseInt(span.span_id, 16)}@${depth}`);

describe('the tree of a trace', () => {
  it('has each span before its children, and these in the order of their beginnings', () =>
    expect(
      placesOf(
        childSpan(4, 1, 50, 60),
        childSpan(3, 2, 20, 30),
        childSpan(2, 1, 10, 40),
        someSpan(1),
      ),
    ).toEqual(['1@0', '2@1', '3@2', '4@1']));

  it('names the children of each', () =>
    expect(
      spanTree([someSpan(1), childSpan(3, 1, 50, 60), childSpan(2, 1, 10, 40)])[0]?.children.map(
        ({ span_id }) => span_id,
      ),
    ).toEqual([idOf(2), idOf(3)]));

  it('has a span once that came twice', () =>
    expect(placesOf(someSpan(1), childSpan(2, 1, 0, 5), childSpan(2, 1, 0, 5))).toEqual([
      '1@0',
      '2@1',
    ]));

  it('has a span whose parent has not come beside the roots', () =>
    expect(placesOf(someSpan(1), childSpan(3, 2, 10, 20))).toEqual(['1@0', '3@0']));

  it.each([
    ['a parent of its own', [childSpan(1, 1, 0, 5)], ['1@0']],
    ['parents of one another', [childSpan(2, 1, 1, 5), childSpan(1, 2, 0, 5)], ['1@0', '2@1']],
  ])('has every span, and each once: %s', (_, spans, places) =>
    expect(placesOf(...spans)).toEqual(places),
  );

  it('may be as deep as it has spans', () => {
    const deep = Array.from({ length: 20_000 }, (_, at) => childSpan(at + 1, at, at, at + 1));
    expect(spanTree(deep).at(-1)?.depth).toBe(19_999);
  });
});
