import type { Instant } from '@downbeat/eventsourcing';
import { CHUNKS_OF_ROUND_MAX, dueBatches, type KeptChunk } from './due-batches';

const NOW_MS = Date.parse('2026-03-31T00:00:00.000Z');
const DAY_MS = 86_400_000;

/** A chunk of so many spans that came so many days ago. */
const chunk = (position: number, daysAgo: number, more: Partial<KeptChunk> = {}): KeptChunk => ({
  batch_id: `b-${position}`,
  trace_id: `t-${position}`,
  position,
  recorded_at: new Date(NOW_MS - daysAgo * DAY_MS).toISOString() as Instant,
  span_count: 10,
  bytes: 100,
  ...more,
});
const due = (chunks: readonly KeptChunk[], spanCount = 0): readonly number[] =>
  dueBatches(chunks, spanCount, { days: 30, spans: 100 }, NOW_MS).map(({ position }) => position);

describe('forgotten is', () => {
  it('what came before the days that are kept', () =>
    expect(due([chunk(1, 31), chunk(2, 30.1), chunk(3, 30), chunk(4, 1)])).toEqual([1, 2]));

  it('the oldest of what is too much', () => {
    const recent = [1, 2, 3, 4].map((position) => chunk(position, 1));
    expect(due(recent, 100)).toEqual([]);
    expect(due(recent, 101)).toEqual([1]);
    expect(due(recent, 115)).toEqual([1, 2]);
  });

  it('a batch as a whole, with all traces it brought spans of', () => {
    const [batch] = dueBatches(
      [chunk(7, 31), chunk(7, 31, { trace_id: 'other' })],
      20,
      { days: 30, spans: 100 },
      NOW_MS,
    );
    expect(batch).toEqual({
      ...{ batch_id: 'b-7', position: 7, span_count: 20 },
      trace_ids: ['t-7', 'other'],
    });
  });

  it('no batch of which there may be more than was read', () => {
    const many = Array.from({ length: CHUNKS_OF_ROUND_MAX }, (_, at) =>
      chunk(at < 2 ? 1 : 2, 31, { trace_id: `t-${at}` }),
    );
    expect(due(many)).toEqual([1]);
    expect(due(many.slice(1))).toEqual([1, 2]);
  });

  it('no more in one round than a view can read, and one batch at least', () => {
    const large = { bytes: 5 * 2 ** 20 };
    expect(due([chunk(1, 31, large), chunk(2, 31, large)])).toEqual([1]);
    expect(due([chunk(1, 31, { bytes: 2 ** 30 }), chunk(2, 31)])).toEqual([1]);
  });
});
