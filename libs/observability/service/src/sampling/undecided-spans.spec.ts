import type { UndecidedTrace } from '@downbeat/observability-domain';
import { of, someSpan, traceIdOf } from '../testing/span-commands';
import { resourcesHeld, spansHeld, UndecidedSpans } from './undecided-spans';

const trace = (number: number, ...spans: readonly number[]): UndecidedTrace => ({
  trace_id: traceIdOf(number),
  resources: [of('shop', ...spans.map((span) => someSpan(number, span)))],
});
const idsOf = (taken: readonly { trace_id: string }[]) =>
  taken.map(({ trace_id }) => Number.parseInt(trace_id, 16));

describe('spans of which nobody knows yet whether they are worth keeping', () => {
  it('are held until their time has come, trace by trace', () => {
    const undecided = new UndecidedSpans({ spans: 100, bytes: 1e6 });
    expect(undecided.hold([trace(1, 1, 2), trace(2, 1)], 1_000)).toBe(3);
    expect(undecided.hold([trace(1, 3)], 1_500)).toBe(1);
    expect(undecided.hold([trace(3, 1)], 2_000)).toBe(1);
    expect(undecided.takeDue(999, 10)).toEqual([]);
    const due = undecided.takeDue(1_000, 10);
    expect(idsOf(due)).toEqual([1, 2]);
    expect(due.map(spansHeld)).toEqual([3, 1]);
    expect(due.flatMap(resourcesHeld).flatMap(({ spans }) => spans)).toHaveLength(4);
    expect(undecided.spans).toBe(1);
  });

  it('are held once, however often they are sent', () => {
    const undecided = new UndecidedSpans({ spans: 100, bytes: 1e6 });
    expect([1, 2].map((ms) => undecided.hold([trace(1, 1)], ms))).toEqual([1, 0]);
  });

  it.each([
    ['spans', { spans: 8, bytes: 1e6 }],
    [
      'bytes',
      { spans: 100, bytes: 8 * Buffer.byteLength(JSON.stringify(trace(1, 1).resources[0])) },
    ],
  ])(
    'are bounded by %s: the oldest are due early, and at the bound no more are taken',
    (_, max) => {
      const undecided = new UndecidedSpans(max);
      for (let number = 1; number <= 8; number++) undecided.hold([trace(number, 1)], 1_000);
      expect(undecided.hold([trace(9, 1)], 1_000)).toBeUndefined();
      expect(undecided.isCrowded).toBe(true);
      expect(idsOf(undecided.takeDue(0, 10))).toEqual([1, 2, 3]);
      expect(undecided.isCrowded).toBe(false);
      expect(undecided.hold([trace(9, 1)], 1_000)).toBe(1);
    },
  );

  it('are held on, with what came meanwhile, when they cannot be decided', () => {
    const undecided = new UndecidedSpans({ spans: 100, bytes: 1e6 });
    undecided.hold([trace(1, 1)], 1_000);
    const taken = undecided.takeDue(1_000, 10);
    undecided.hold([trace(1, 2)], 1_000);
    undecided.putBack(taken);
    expect(undecided.spans).toBe(2);
    expect(undecided.takeDue(1_000, 10).map(spansHeld)).toEqual([2]);
  });
});
