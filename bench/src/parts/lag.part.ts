import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { EventMeta, Message, Position, StreamName } from '@downbeat/eventsourcing';
import { startProjections, type Projection, type Table } from '@downbeat/projections';
import type { BenchContext, Part } from '../bench-context';
import { percentile } from '../measure/statistics';
import { figure } from '../report/figure';

const ROUNDS = 3;
const ROUND_MS = 4_000;
const WARM_UP_MS = 1_500;
const EVENTS_PER_S = 1_000;
const LOOK_EVERY_MS = 1;

type StepSucceeded = Message<'StepSucceeded', { run: string; output: object; at: string }>;
type Row = { readonly run: string; readonly steps: number; readonly at: string };

const table: Table<Row, StepSucceeded> = {
  name: 'bench_run',
  key: 'run',
  columns: { run: 'text', steps: 'bigint', at: 'instant' },
  indexes: [['at']],
  on: {
    StepSucceeded: {
      keys: ({ data }) => [data.run],
      fold: (row, { data: { run, at } }) => ({ run, at, steps: (row?.steps ?? 0) + 1 }),
    },
  },
};
const projection: Projection = { name: 'saga.bench-runs', version: 1, tables: [table] };

const meta: EventMeta = { correlation_id: 'bench', causation_id: 'bench', actor: 'bench' };
const data = {
  output: { reservation_id: 'r-2187', amount: 1450.5, currency: 'EUR', note: 'garden' },
  at: '2026-03-01T09:30:00.000Z',
};
const faultsOnly = {
  info: () => undefined,
  warn: (facts: object, message: string) => console.error(message, facts),
  error: (facts: object, message: string) => console.error(message, facts),
};

/** How far a read model trails the log: from an append's answer to the commit of the batch it is in. */
export const lag: Part = {
  name: 'lag',
  async run({ suite }: BenchContext) {
    await suite.stopApps();
    const database = await LogDatabase.create('lag');
    const store = database.store('saga');
    const runner = await startProjections({
      ...{ url: database.urlOf('saga'), schema: 'saga', store, log: faultsOnly },
      projections: [projection],
    });
    const projected = () => runner.status()[0]?.position ?? 0;
    try {
      const append = () => appendOne(store);
      await lagsMs(append, projected, WARM_UP_MS);
      const rounds: (readonly number[])[] = [];
      for (let round = 0; round < ROUNDS; round++)
        rounds.push(await lagsMs(append, projected, ROUND_MS));
      const title = `${EVENTS_PER_S} events/s:`;
      const share = (wanted: number) => rounds.map((ms) => percentile(ms, wanted));
      return {
        figures: [
          figure('lag', `${title} p50`, 'ms', share(0.5)),
          figure('lag', `${title} p99`, 'ms', share(0.99), { atMost: 100 }),
        ],
      };
    } finally {
      await runner.stop();
      await database.drop();
    }
  },
};

let streams = 0;

/** Appends at a steady rate, whatever became of the appends before. */
export async function lagsMs(
  append: () => Promise<Position>,
  projected: () => Position,
  forMs: number,
): Promise<readonly number[]> {
  const pending: { readonly position: Position; readonly atMs: number }[] = [];
  const lags: number[] = [];
  const appends: Promise<unknown>[] = [];
  const collect = (): void => {
    const [position, now] = [projected(), performance.now()];
    // Answers come in the order of their positions, up to the size of one flush.
    for (let at = pending.length - 1; at >= 0; at--) {
      const event = pending[at];
      if (event === undefined || event.position > position) continue;
      lags.push(now - event.atMs);
      pending.splice(at, 1);
    }
  };
  const start = performance.now();
  for (let sent = 0; performance.now() - start < forMs; await pause(LOOK_EVERY_MS)) {
    const due = ((performance.now() - start) * EVENTS_PER_S) / 1_000;
    for (; sent < due; sent++)
      appends.push(
        append().then((position) => pending.push({ position, atMs: performance.now() })),
      );
    collect();
  }
  await Promise.all(appends);
  for (; pending.length > 0; await pause(LOOK_EVERY_MS)) collect();
  const achieved = (lags.length / forMs) * 1_000;
  const [p50, p99] = [percentile(lags, 0.5), percentile(lags, 0.99)];
  console.log(JSON.stringify({ benchmark: 'lag', events_per_s: Math.round(achieved), p50, p99 }));
  return lags;
}

async function appendOne(store: PostgresEventStore): Promise<Position> {
  const run = `lag-${++streams}`;
  const { position } = await store.append({
    ...{ stream: run as StreamName, expected: 0, meta },
    events: [{ type: 'StepSucceeded', data: { run, ...data } }],
  });
  return position;
}
