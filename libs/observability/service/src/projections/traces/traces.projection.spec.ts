import type { Instant } from '@downbeat/eventsourcing';
import type { SpansRecorded } from '@downbeat/observability-domain';
import { tableSpecification, type GivenEvent } from '@downbeat/projections/testing';
import {
  of,
  someSpan,
  spanIdOf,
  T0_US,
  traceIdOf,
  type Resource,
} from '../../testing/span-commands';
import { traceChunkTable } from './trace-chunk.table';
import { traceTable } from './trace.table';

const traces = tableSpecification(traceTable);
const chunks = tableSpecification(traceChunkTable);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const recorded = (batch_id: string, ...resources: Resource[]): GivenEvent<SpansRecorded> => ({
  type: 'SpansRecorded',
  data: { batch_id, resources, at },
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
});
