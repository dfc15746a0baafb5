import fc from 'fast-check';
import { callMap } from './call-map';
import { criticalPath } from './critical-path';
import { endOf, type Span } from './span';
import { spanTree } from './span-tree';
import { childSpan, idOf, someSpan, T0_US } from './testing/some-span';
import { withSpans } from './trace-summary';

/** Any spans at all: parents that are missing, circles, repetitions, children that outlast their parent. */
const anySpans = fc.array(
  fc
    .record({
      number: fc.integer({ min: 1, max: 15 }),
      parent: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      from: fc.integer({ min: 0, max: 1_000 }),
      length: fc.integer({ min: 0, max: 500 }),
      service_name: fc.constantFrom('shop', 'billing', 'stock'),
      status_code: fc.constantFrom('ok', 'error', 'timeout'),
    })
    .map(({ number, parent, from, length, ...more }) =>
      someSpan(number, {
        ...(parent !== undefined && { parent_span_id: idOf(parent) }),
        start_us: T0_US + from,
        duration_us: length,
        ...more,
      }),
    ),
  { minLength: 1, maxLength: 30 },
);

/** A root that lasts 1,000 µs, with whatever below it. */
const rooted = anySpans.map((spans) => [
  someSpan(99, { duration_us: 1_500 }),
  ...spans.map((span, at) => ({
    ...span,
    span_id: idOf(at + 1),
    parent_span_id: idOf(at === 0 || !span.parent_span_id ? 99 : (at * 7) % at || 99),
  })),
]);

const check = (spans: fc.Arbitrary<Span[]>, holds: (spans: readonly Span[]) => void): void =>
  fc.assert(fc.property(spans, holds), { numRuns: 300 });

describe('whatever the spans of a trace are', () => {
  it('the tree has every span once, each below its parent or at the top', () =>
    check(anySpans, (spans) => {
      const tree = spanTree(spans);
      const ids = tree.map(({ span }) => span.span_id);
      expect(ids.toSorted()).toEqual([...new Set(spans.map(({ span_id }) => span_id))].sort());
      const depths = new Map(tree.map(({ span, depth }) => [span.span_id, depth]));
      for (const { children, depth } of tree)
        for (const { span_id } of children) expect(depths.get(span_id)).toBe(depth + 1);
    }));

  it('the tree does not depend on the order in which different spans came', () =>
    check(anySpans, (spans) => {
      const once = [...new Map(spans.map((span) => [span.span_id, span])).values()];
      expect(spanTree(once.toReversed())).toEqual(spanTree(once));
    }));

  it('stretches of the critical path stand one behind the other, each within its span', () =>
    check(anySpans, (spans) => {
      let before = -Infinity;
      for (const { span, from_us, to_us } of criticalPath(spanTree(spans))) {
        expect(from_us).toBeGreaterThanOrEqual(before);
        expect(to_us).toBeGreaterThan(from_us);
        expect(from_us).toBeGreaterThanOrEqual(span.start_us);
        expect(to_us).toBeLessThanOrEqual(endOf(span));
        before = to_us;
      }
    }));

  it('the critical path fills a root that outlasts all', () =>
    check(rooted, (spans) => {
      const path = criticalPath(spanTree(spans));
      expect(path.reduce((sum, { from_us, to_us }) => sum + to_us - from_us, 0)).toBe(1_500);
    }));

  it('the summary is the same in however many batches they come', () =>
    fc.assert(
      fc.property(anySpans, fc.integer({ min: 1, max: 29 }), (spans, cut) => {
        const [first, ...others] = spans;
        const second = spans.slice(cut);
        if (!first || !second[0]) return;
        const whole = withSpans(undefined, [first, ...others]);
        const head = withSpans(undefined, [first, ...others.slice(0, cut - 1)]);
        const parts = withSpans(head, [second[0], ...second.slice(1)]);
        expect({ ...parts, root_span_id: '', root_operation: '', root_service: '' }).toEqual({
          ...whole,
          root_span_id: '',
          root_operation: '',
          root_service: '',
        });
      }),
    ));

  it('nobody calls itself', () =>
    check(anySpans, (spans) => {
      for (const { source_service, target_service } of callMap(spanTree(spans)))
        expect(source_service).not.toBe(target_service);
    }));
});

it('a call that leaves for a service without spans counts by the name it gives', () => {
  const leaving = childSpan(2, 1, 10, 30, {
    span_kind: 'client',
    status_code: 'error',
    tags: { 'peer.service': 'bank' },
  });
  const told = [leaving, childSpan(3, 2, 12, 28, { service_name: 'bank', span_kind: 'server' })];
  const calls = { source_service: 'shop', target_service: 'bank', request_count: 1 };
  expect(callMap(spanTree([someSpan(1), leaving]))).toEqual([
    { ...calls, error_count: 1, total_us: 20 },
  ]);
  expect(callMap(spanTree([someSpan(1), ...told]))).toEqual([
    { ...calls, error_count: 0, total_us: 16 },
  ]);
});
