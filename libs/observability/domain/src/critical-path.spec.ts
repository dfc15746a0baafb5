import { criticalPath } from './critical-path';
import type { Span } from './span';
import { spanTree } from './span-tree';
import { childSpan, someSpan, T0_US } from './testing/some-span';

const pathOf = (...spans: readonly Span[]): readonly string[] =>
  criticalPath(spanTree(spans)).map(
    ({ span, from_us, to_us }) =>
      `${parseInt(span.span_id, 16)}: ${from_us - T0_US}-${to_us - T0_US}`,
  );

describe('the critical path', () => {
  it('of one span is the span', () => expect(pathOf(someSpan(1))).toEqual(['1: 0-100']));

  it('goes through children that ran one after another', () =>
    expect(pathOf(someSpan(1), childSpan(2, 1, 10, 40), childSpan(3, 1, 50, 90))).toEqual([
      '1: 0-10',
      '2: 10-40',
      '1: 40-50',
      '3: 50-90',
      '1: 90-100',
    ]));

  it('goes through the one that ended last of those that ran at once', () =>
    expect(pathOf(someSpan(1), childSpan(2, 1, 10, 40), childSpan(3, 1, 10, 90))).toEqual([
      '1: 0-10',
      '3: 10-90',
      '1: 90-100',
    ]));

  it('goes on before the last with what ran until then', () =>
    expect(pathOf(someSpan(1), childSpan(2, 1, 0, 60), childSpan(3, 1, 50, 100))).toEqual([
      '2: 0-50',
      '3: 50-100',
    ]));

  it('counts a child only while its parent runs', () =>
    expect(pathOf(someSpan(1), childSpan(2, 1, 50, 500))).toEqual(['1: 0-50', '2: 50-100']));

  it('of roots beside each other leaves what none of them took', () =>
    expect(pathOf(someSpan(1), someSpan(2, { start_us: T0_US + 300 }))).toEqual([
      '1: 0-100',
      '2: 300-400',
    ]));

  it('of a trace without spans is empty', () => expect(pathOf()).toEqual([]));

  it('may be as deep as the trace has spans', () => {
    const deep = Array.from({ length: 20_000 }, (_, at) => childSpan(at + 1, at, at, 50_000 - at));
    expect(criticalPath(spanTree(deep))).toHaveLength(39_999);
  });

  it('is found in a trace of 200,000 roots', () => {
    const roots = Array.from({ length: 200_000 }, (_, at) => ({
      span: someSpan(at + 1, { start_us: T0_US + at, duration_us: 1 }),
      children: [],
      depth: 0,
    }));
    expect(criticalPath(roots)).toHaveLength(200_000);
  });
});
