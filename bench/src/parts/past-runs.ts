import type { PostgresEventStore } from '@downbeat/event-store';
import type { EventMeta, Message, Position, StreamName } from '@downbeat/eventsourcing';
import { countsOf, type Projection, type Table } from '@downbeat/projections';

type StepTaken = Message<'StepTaken', { run: string; step: number; at: string; output: object }>;

/** Grows with its run, as the rows of real runs do. */
type RunRow = {
  readonly run: string;
  readonly status: string;
  readonly at: string;
  readonly steps: readonly object[];
};

export const STEPS = 10;
const SPANS_PER_APPEND = 50;
const IN_FLIGHT = 128;

const table: Table<RunRow, StepTaken> = {
  name: 'bench_run',
  key: 'run',
  columns: { run: 'text', status: 'text', at: 'instant', steps: 'json' },
  indexes: [['at', 'run']],
  on: {
    StepTaken: {
      keys: ({ data }) => [data.run],
      fold: (row, { data: { run, at, step, output } }) => ({
        ...{ run, at, status: step === STEPS ? 'completed' : 'running' },
        steps: [...(row?.steps ?? []), { step, output }],
      }),
    },
  },
};

/** A read model whose rows change with every event: the worst case for keeping them as they were. */
export const runsProjection = (name: string): Projection => ({
  name: `saga.${name}`,
  version: 1,
  tables: [table, countsOf('bench_run_count', table, ['status'])],
});

const meta: EventMeta = { correlation_id: 'bench', causation_id: 'bench', actor: 'bench' };
const at = '2026-03-01T09:30:00.000Z';
const output = { reservation_id: 'r-2187', amount: 1450.5, currency: 'EUR', note: 'garden' };

export async function appendStep(
  store: PostgresEventStore,
  run: string,
  step: number,
): Promise<Position> {
  const { position } = await store.append({
    ...{ stream: run as StreamName, expected: step - 1, meta },
    events: [{ type: 'StepTaken', data: { run, step, at, output } }],
  });
  return position;
}

/**
 * Runs that go on side by side, a few hundred at once, and in between another context's spans, which are large.
 *
 * @returns How many events of the log are the runs'.
 */
export async function fillLog(
  store: PostgresEventStore,
  spans: PostgresEventStore,
  runs: number,
): Promise<number> {
  const span = { attributes: Array.from({ length: 20 }, (_, n) => ({ key: `k${n}`, value: at })) };
  for (let first = 0; first < runs; first += IN_FLIGHT)
    for (let step = 1; step <= STEPS; step++) {
      const together = Array.from({ length: Math.min(IN_FLIGHT, runs - first) }, (_, n) =>
        appendStep(store, `run-${first + n}`, step),
      );
      await Promise.all([
        ...together,
        ...[1, 2].map((half) =>
          spans.append({
            ...{ stream: `spans-${first}-${step}-${half}` as StreamName, expected: 0, meta },
            events: Array.from({ length: SPANS_PER_APPEND }, () => ({
              type: 'SpanEnded',
              data: span,
            })),
          }),
        ),
      ]);
    }
  return runs * STEPS;
}
