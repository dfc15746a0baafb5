import { childSpan, idOf, someSpan, T0_US } from './testing/some-span';
import { withSpans } from './trace-summary';

const root = someSpan(1, { tags: { 'http.route': '/orders', emoji: `${'x'.repeat(127)}😀` } });
const early = childSpan(2, 1, -50, 10, { service_name: 'edge' });
const failed = childSpan(3, 1, 10, 400, { status_code: 'timeout', service_name: 'billing' });

describe('what is said of a trace', () => {
  it('names its root, whenever it comes', () => {
    const before = withSpans(undefined, [early, failed]);
    expect(before).toMatchObject({ root_service: 'edge', has_root: false });
    const after = withSpans(before, [root]);
    expect(after).toMatchObject({ root_service: 'shop', root_span_id: idOf(1), has_root: true });
    expect(withSpans(after, [early])).toMatchObject({ root_service: 'shop', has_root: true });
  });

  it('lasts from the first beginning to the last end, and counts', () =>
    expect(withSpans(undefined, [root, early, failed])).toMatchObject({
      start_us: T0_US - 50,
      end_us: T0_US + 400,
      span_count: 3,
      error_count: 1,
      status: 'timeout',
      services: ['shop', 'edge', 'billing'],
    }));

  it('has an error rather than a timeout', () =>
    expect(
      withSpans(withSpans(undefined, [failed]), [childSpan(4, 1, 0, 1, { status_code: 'error' })])
        .status,
    ).toBe('error'));

  it('cuts long tags, and no character in half', () =>
    expect(withSpans(undefined, [root]).root_tags).toEqual({
      'http.route': '/orders',
      emoji: 'x'.repeat(127),
    }));

  it('can be looked for by its first 128 different tags', () => {
    const tags = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`tag-${at}`, 'x']));
    const first = withSpans(undefined, [someSpan(1, { tags })]);
    const others = Object.fromEntries(Object.keys(tags).map((name) => [name, 'y']));
    const second = withSpans(first, [someSpan(2, { tags: others })]);
    expect(first.pairs).toHaveLength(100);
    expect(second.pairs).toHaveLength(128);
    expect(second.pairs.slice(0, 100)).toEqual(first.pairs);
  });
});
