import type { Instant } from '@downbeat/eventsourcing';
import type { SpansForgotten, SpansRecorded } from '@downbeat/observability-domain';
import { tableSpecification, type GivenEvent } from '@downbeat/projections/testing';
import {
  of,
  someSpan,
  spanIdOf,
  T0_US,
  traceIdOf,
  type Resource,
} from '../../testing/span-commands';
import { spanTotalTable } from './span-total.table';
import { traceChunkTable } from './trace-chunk.table';
import { traceTable } from './trace.table';

const traces = tableSpecification(traceTable);
const chunks = tableSpecification(traceChunkTable);
const total = tableSpecification(spanTotalTable);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const recorded = (batch_id: string, ...resources: Resource[]): GivenEvent<SpansRecorded> => ({
  type: 'SpansRecorded',
  data: { batch_id, resources, at },
});
const forgotten = (
  up_to_position: number,
  ...batches: SpansForgotten['data']['batches']
): GivenEvent<SpansForgotten> => ({
  type: 'SpansForgotten',
  data: { up_to_position, batches, at },
});
const below = (parent: number, more = {}) => ({ parent_span_id: spanIdOf(parent), ...more });

describe('the tables of traces', () => {
  const first = recorded(
    'b-1',
    of('shop', someSpan(1, 1), someSpan(2, 3)),
    of('stock', someSpan(1, 2, below(1, { status_code: 'error' }))),
  );
  const second = recorded('b-2', of('edge', someSpan(1, 4, below(2, { start_us: T0_US + 900 }))));

  it('have one row for each trace, which grows with each batch', () => {
    const { rows } = traces.given(first, second);
    expect(rows).toHaveLength(2);
    expect(rows.find(({ trace_id }) => trace_id === traceIdOf(1))).toMatchObject({
      root_service: 'shop',
      span_count: 3,
      error_count: 1,
      status: 'error',
      duration_us: 1_000,
      services: ['shop', 'stock', 'edge'],
      place: `${T0_US} ${traceIdOf(1)}`,
    });
  });

  it('have the spans of a trace, batch by batch', () =>
    expect(
      chunks
        .given(first, second)
        .rows.map(({ chunk_id, spans }) => `${chunk_id.slice(31)}: ${spans.length}`),
    ).toEqual(['1/b-1: 2', '2/b-1: 1', '1/b-2: 1']));

  describe('when the oldest batches are forgotten', () => {
    const trace_ids = [1, 2].map(traceIdOf);
    // Batches stand at the positions 1 and 2.
    const forgetting = forgotten(1, { batch_id: 'b-1', position: 1, span_count: 3, trace_ids });

    it('keep a trace of which younger spans have come', () =>
      expect(traces.given(first, second, forgetting).rows.map(({ trace_id }) => trace_id)).toEqual([
        traceIdOf(1),
      ]));

    it('have no spans of them', () =>
      expect(
        chunks.given(first, second, forgetting).rows.map(({ chunk_id }) => chunk_id.slice(31)),
      ).toEqual(['1/b-2']));

    it('count what is left, also of what is forgotten twice', () => {
      const again = forgotten(
        2,
        { batch_id: 'b-1', position: 1, span_count: 3, trace_ids },
        { batch_id: 'b-2', position: 2, span_count: 1, trace_ids: [traceIdOf(1)] },
      );
      expect(total.given(first, second, forgetting).rows).toMatchObject([{ span_count: 1 }]);
      expect(total.given(first, second, forgetting, again).rows).toMatchObject([
        { span_count: 0, forgotten_to: 2 },
      ]);
    });
  });
});
