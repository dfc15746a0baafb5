import type { Span } from './span';
import { compareTraces } from './trace-comparison';
import { childSpan, someSpan } from './testing/some-span';

const named = (operation_name: string, service_name = 'shop') => ({ operation_name, service_name });
const root = (duration_us: number) => someSpan(1, { ...named('order'), duration_us });
const query = (number: number, from: number, to: number, more: Partial<Span> = {}) =>
  childSpan(number, 1, from, to, { ...named('query', 'stock'), ...more });

const fast = [root(100), query(2, 10, 30)];
const slow = [
  root(400),
  query(2, 10, 30),
  query(3, 40, 340, { status_code: 'error' }),
  childSpan(4, 1, 350, 360, named('mail', 'post')),
];

describe('two traces', () => {
  it('differ by what the second one waited for, the largest first', () =>
    expect(compareTraces(fast, slow)).toEqual([
      {
        ...named('query', 'stock'),
        first: { count: 1, error_count: 0, total_us: 20, critical_us: 20 },
        second: { count: 2, error_count: 1, total_us: 320, critical_us: 320 },
        critical_difference_us: 300,
      },
      {
        ...named('mail', 'post'),
        second: { count: 1, error_count: 0, total_us: 10, critical_us: 10 },
        critical_difference_us: 10,
      },
      {
        ...named('order'),
        first: { count: 1, error_count: 0, total_us: 100, critical_us: 80 },
        second: { count: 1, error_count: 0, total_us: 400, critical_us: 70 },
        critical_difference_us: -10,
      },
    ]));

  it('differ the other way round by the opposite', () => {
    const there = compareTraces(fast, slow).map((one) => one.critical_difference_us);
    const back = compareTraces(slow, fast).map((one) => one.critical_difference_us);
    expect(back).toEqual(there.map((us) => -us));
  });

  it('that are the same differ by nothing', () => {
    for (const one of compareTraces(slow, slow)) expect(one.critical_difference_us).toBe(0);
  });
});
