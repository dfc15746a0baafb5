import { setTimeout as pause } from 'node:timers/promises';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { EventMeta, Message, Position, StreamName } from '@downbeat/eventsourcing';
import { startProjections, type Projection, type Table } from '@downbeat/projections';

/**
 * How fast a read model is built from the log, verified and asked about the past, and how far it
 * trails while events arrive. Usage: `node bench/dist/rebuild.js [events] [seconds]`.
 */
const EVENTS = Number(process.argv[2] ?? 200_000);
const SECONDS = Number(process.argv[3] ?? 10);
const EVENTS_PER_SECOND = 1_000;
const STEPS_PER_RUN = 10;
const APPENDS_AT_ONCE = 32;
/** Mostly new runs, and old ones that go on: rows are created and changed. */
const STREAMS_IN_A_ROUND = 400;

type RunEvent =
  | Message<'RunStarted', { run: string; workflow: string; at: string }>
  | Message<'StepSucceeded', { run: string; step: number; output: object; at: string }>;

type Run = {
  readonly run: string;
  readonly workflow: string;
  readonly status: string;
  readonly steps: number;
  readonly started_at: string;
  readonly changed_at: string;
  readonly output: object | null;
};

const runTable: Table<Run, RunEvent> = {
  name: 'bench_run',
  key: 'run',
  columns: {
    run: 'text',
    workflow: 'text',
    status: 'text',
    steps: 'bigint',
    started_at: 'instant',
    changed_at: 'instant',
    output: 'json?',
  },
  indexes: [['status', 'started_at']],
  on: {
    RunStarted: {
      keys: ({ data }) => [data.run],
      fold: (_, { data: { run, workflow, at } }) => ({
        run,
        workflow,
        status: 'running',
        steps: 0,
        started_at: at,
        changed_at: at,
        output: null,
      }),
    },
    StepSucceeded: {
      keys: ({ data }) => [data.run],
      fold: (row, { data: { step, output, at } }) =>
        row && {
          ...row,
          status: step === STEPS_PER_RUN ? 'completed' : 'running',
          steps: row.steps + 1,
          changed_at: at,
          output,
        },
    },
  },
};

const projection = (version: number): Projection => ({
  name: 'saga.bench-runs',
  version,
  tables: [runTable],
});

const meta: EventMeta = {
  correlation_id: '0190a5f0-5b3c-7cc0-9c3e-2f1f4b7d9a01',
  causation_id: '0190a5f0-5b3c-7cc0-9c3e-2f1f4b7d9a02',
  actor: 'bench',
};
const at = '2026-03-01T09:30:00.000Z';
const output = { reservation_id: 'r-2187', amount: 1450.5, currency: 'EUR', note: 'garden' };
const faultsOnly = {
  info: () => undefined,
  warn: (facts: object, message: string) => console.error(message, facts),
  error: (facts: object, message: string) => console.error(message, facts),
};

type Store = ReturnType<LogDatabase['store']>;

async function main(): Promise<void> {
  const database = await LogDatabase.create('bench_rebuild');
  try {
    const store = database.store('saga');
    const head = await fill(store);
    const options = { url: database.urlOf('saga'), schema: 'saga', store, log: faultsOnly };
    const first = await startProjections({ ...options, projections: [projection(1)] });
    report('build', head, await timed(() => reached(first, head)));
    report('verify', head, await timed(() => first.verify('saga.bench-runs')));
    const half = Math.floor(head / 2);
    const ask = (position: Position) => () =>
      first.readModels.ask(projection(1), { at: position }, (manager) =>
        manager.getRepository('bench_run').count(),
      );
    report('past', half, await timed(ask(half)));
    report('past, a little later', 100, await timed(ask(half + 100)));
    await lag(store, first);
    await first.stop();
    const rounds = Math.floor(EVENTS / (STREAMS_IN_A_ROUND * (STEPS_PER_RUN + 1)));
    await behind(store, options, rounds);
  } finally {
    await database.drop();
  }
}

type Runner = Awaited<ReturnType<typeof startProjections>>;

const reached = async (runner: Runner, position: Position): Promise<void> => {
  while ((runner.status()[0]?.position ?? 0) < position || runner.status()[0]?.state !== 'live')
    await pause(2);
};

/** Events that arrived while nothing ran are folded into tables that exist: rows are read first. */
async function behind(store: Store, options: object, round: number): Promise<void> {
  const before = await store.head();
  for (let more = 1; more <= 10; more++) await fillRound(store, round + more);
  const head = await store.head();
  const runner = await startProjections({
    ...(options as Parameters<typeof startProjections>[0]),
    projections: [projection(1)],
  });
  report('catch up', head - before, await timed(() => reached(runner, head)));
  await runner.stop();
}

async function fill(store: Store): Promise<Position> {
  for (let round = 0; (await store.head()) < EVENTS; round++) await fillRound(store, round);
  return store.head();
}

async function fillRound(store: Store, round: number): Promise<void> {
  for (let step = 0; step <= STEPS_PER_RUN; step++)
    for (let first = 0; first < STREAMS_IN_A_ROUND; first += APPENDS_AT_ONCE)
      await Promise.all(
        Array.from({ length: Math.min(APPENDS_AT_ONCE, STREAMS_IN_A_ROUND - first) }, (_, next) =>
          appendStep(store, `run-${round}-${first + next}`, step),
        ),
      );
}

const appendStep = (store: Store, run: string, step: number) =>
  store.append({
    stream: `run-${run}` as StreamName,
    expected: step,
    meta,
    events: [
      step === 0
        ? { type: 'RunStarted', data: { run, workflow: 'book-wedding', at } }
        : { type: 'StepSucceeded', data: { run, step, output, at } },
    ],
  });

/** From the append's answer to the moment its position is in the tables, at a steady rate. */
async function lag(store: Store, runner: Runner): Promise<void> {
  const pending: { readonly position: Position; readonly atMs: number }[] = [];
  const lagsMs: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let sent = 0; performance.now() - start < SECONDS * 1_000;) {
    const due = Math.floor(((performance.now() - start) * EVENTS_PER_SECOND) / 1_000);
    for (; sent < due; sent++)
      void appendStep(store, `lag-${sent}`, 0).then(({ position }) =>
        pending.push({ position, atMs: performance.now() }),
      );
    const position = runner.status()[0]?.position ?? 0;
    const now = performance.now();
    for (let at = pending.length - 1; at >= 0; at--) {
      const event = pending[at];
      if (event === undefined || event.position > position) continue;
      lagsMs.push(now - event.atMs);
      pending.splice(at, 1);
    }
    await pause(2);
  }
  const { user, system } = process.cpuUsage(cpu);
  lagsMs.sort((a, b) => a - b);
  const percentile = (share: number) => round(lagsMs[Math.floor(lagsMs.length * share)] ?? 0);
  const row = {
    events: lagsMs.length,
    p50_ms: percentile(0.5),
    p99_ms: percentile(0.99),
    max_ms: round(lagsMs.at(-1) ?? 0),
    process_us_per_event: round((user + system) / lagsMs.length),
  };
  console.log(JSON.stringify({ benchmark: 'projection lag', ...row }));
}

function report(benchmark: string, events: number, ms: number): void {
  const events_per_s = Math.round((events / ms) * 1_000);
  console.log(JSON.stringify({ benchmark, events, ms: Math.round(ms), events_per_s }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const round = (value: number): number => Math.round(value * 10) / 10;

void main();
