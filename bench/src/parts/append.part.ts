import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { EventMeta, StreamName } from '@downbeat/eventsourcing';
import type { BenchContext, Part } from '../bench-context';
import { sumOf, treeCpuUs } from '../measure/proc';
import { percentile } from '../measure/statistics';
import { figure, type Figure, type Target } from '../report/figure';

const ROUNDS = 3;
const ROUND_MS = 2_500;
const WARM_UP_MS = 1_500;
const APPENDS_PER_STREAM = 20;
const AT_ONCE = [1, 64, 256, 512] as const;

const RATE_TARGETS: Readonly<Record<number, Target>> = {
  64: { atLeast: 10_000 },
  256: { atLeast: 16_000 },
};

const meta: EventMeta = {
  correlation_id: '0190a5f0-5b3c-7cc0-9c3e-2f1f4b7d9a01',
  causation_id: '0190a5f0-5b3c-7cc0-9c3e-2f1f4b7d9a02',
  actor: 'bench',
};

/** About 300 bytes of JSON, like a step's result. */
const data = {
  service_name: 'venue-booking',
  instance_id: 'venue-booking-7d9f6c5b8-x2x7k',
  endpoint: 'http://10.0.12.7:8080/reservations',
  status: 'succeeded',
  attempts: 1,
  duration_ms: 12,
  output: { reservation_id: 'r-2187', amount: 1450.5, currency: 'EUR', note: 'garden, evening' },
  at: '2026-03-01T09:30:00.000Z',
};

interface Round {
  readonly eventsPerS: number;
  readonly engineUs: number;
  readonly storeUs: number;
  readonly commits: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How fast single events are appended, and what one costs. */
export const append: Part = {
  name: 'append',
  async run({ suite }: BenchContext) {
    await suite.stopApps();
    const database = await LogDatabase.create('append');
    try {
      const store = database.store('saga');
      await measured(database, store, suite.postgres.pid, 256, WARM_UP_MS);
      const rounds = new Map<number, Round[]>(AT_ONCE.map((atOnce) => [atOnce, []]));
      for (let round = 0; round < ROUNDS; round++)
        for (const [atOnce, found] of rounds)
          found.push(await measured(database, store, suite.postgres.pid, atOnce, ROUND_MS));
      return { figures: [...rounds].flatMap(([atOnce, found]) => figuresOf(atOnce, found)) };
    } finally {
      await database.drop();
    }
  },
};

async function measured(
  database: LogDatabase,
  store: PostgresEventStore,
  postmaster: number,
  atOnce: number,
  forMs: number,
): Promise<Round> {
  const latenciesMs: number[] = [];
  let isOver = false;
  const [cpu, server, commits] = [
    process.cpuUsage(),
    sumOf(await treeCpuUs(postmaster)),
    await commitsOf(database),
  ];
  const start = performance.now();
  const writing = Promise.all(
    Array.from({ length: atOnce }, (_, writer) => write(store, writer, latenciesMs, () => isOver)),
  );
  await pause(forMs);
  isOver = true;
  await writing;
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const storeUs = sumOf(await treeCpuUs(postmaster)) - server;
  const count = latenciesMs.length;
  const round = {
    eventsPerS: count / seconds,
    engineUs: (user + system) / count,
    storeUs: storeUs / count,
    commits: ((await commitsOf(database)) - commits) / count,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  };
  console.log(JSON.stringify({ benchmark: 'append', at_once: atOnce, ...round }));
  return round;
}

/** One append after another; a new stream every so often, as runs come and go. */
async function write(
  store: PostgresEventStore,
  writer: number,
  latenciesMs: number[],
  isOver: () => boolean,
): Promise<void> {
  const events = [{ type: 'StepSucceeded', data }];
  while (!isOver()) {
    const stream = `run-${process.hrtime.bigint()}-${writer}` as StreamName;
    for (let expected = 0; expected < APPENDS_PER_STREAM && !isOver(); expected++) {
      const start = performance.now();
      await store.append({ stream, expected, events, meta });
      latenciesMs.push(performance.now() - start);
    }
  }
}

const commitsOf = (database: LogDatabase): Promise<number> =>
  database.asOwner(async (owner) => {
    const { rows } = await owner.query<{ n: string }>('select max(commit_no) as n from log.commit');
    return Number(rows[0]?.n ?? 0);
  });

function figuresOf(atOnce: number, rounds: readonly Round[]): readonly Figure[] {
  const of = (name: string, unit: string, value: (round: Round) => number, target?: Target) =>
    figure('append', `${atOnce} at once: ${name}`, unit, rounds.map(value), target);
  return [
    of('events', '1/s', ({ eventsPerS }) => eventsPerS, RATE_TARGETS[atOnce]),
    of(
      'CPU per event',
      'µs',
      ({ engineUs, storeUs }) => engineUs + storeUs,
      atOnce < 64 ? undefined : { atMost: 80 },
    ),
    of('of it the appending process', 'µs', ({ engineUs }) => engineUs),
    of('of it Postgres', 'µs', ({ storeUs }) => storeUs),
    of('commits per event', '', ({ commits }) => commits),
    of('latency, p50', 'ms', ({ p50Ms }) => p50Ms),
    of('latency, p99', 'ms', ({ p99Ms }) => p99Ms),
  ];
}
