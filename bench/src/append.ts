import { setTimeout as pause } from 'node:timers/promises';
import { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { EventMeta, StreamName } from '@downbeat/eventsourcing';
import { serverCpuUs } from './server-cpu';

/** How fast events are appended, and what one costs. Usage: `node bench/dist/append.js [seconds]`. */
const SECONDS = Number(process.argv[2] ?? 5);

interface Load {
  readonly writers: number;
  readonly eventsPerAppend: number;
  /** Each append remembers a command's answer. */
  readonly isCommand?: boolean;
}

const LOADS: readonly Load[] = [
  { writers: 1, eventsPerAppend: 1 },
  { writers: 64, eventsPerAppend: 1 },
  { writers: 256, eventsPerAppend: 1 },
  { writers: 512, eventsPerAppend: 1 },
  { writers: 64, eventsPerAppend: 1, isCommand: true },
  { writers: 16, eventsPerAppend: 10 },
];

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

async function main(): Promise<void> {
  const database = await LogDatabase.create('bench');
  try {
    const rows = [];
    for (const load of LOADS) {
      const row = await measure(database, load);
      console.log(JSON.stringify({ benchmark: 'append', ...row }));
      rows.push(row);
    }
    console.table(rows);
  } finally {
    await database.drop();
  }
}

async function measure(
  database: LogDatabase,
  { writers, eventsPerAppend, isCommand = false }: Load,
) {
  const postmaster = await database.asOwner(async (owner) => {
    const { rows } = await owner.query<{ pid: number }>(
      `select (string_to_array(pg_read_file('postmaster.pid'), E'\\n'))[1]::int as pid`,
    );
    return rows[0]?.pid ?? 0;
  });
  const store = new PostgresEventStore({ databaseUrl: database.urlOf('saga'), context: 'saga' });
  const events = Array.from({ length: eventsPerAppend }, () => ({ type: 'StepSucceeded', data }));
  const latenciesMs: number[] = [];
  const commandOf = (id: string) =>
    isCommand ? { command: { id, answer: { correlation_id: id } } } : {};
  let isOver = false;
  const write = async (writer: number) => {
    // A new stream every 20 appends, as runs come and go.
    for (let n = 0; !isOver; n++) {
      const stream = `run-${process.hrtime.bigint()}-${writer}` as StreamName;
      for (let version = 0; version < 20 && !isOver; version++) {
        const start = performance.now();
        await store.append({
          stream,
          expected: version * eventsPerAppend,
          events,
          meta,
          ...commandOf(`${stream}-${version}`),
        });
        latenciesMs.push(performance.now() - start);
      }
    }
  };

  await store.append({ stream: `warm-${Date.now()}` as StreamName, expected: 0, events, meta });
  const [cpu, server, start] = [
    process.cpuUsage(),
    await serverCpuUs(postmaster),
    performance.now(),
  ];
  const firstCommit = await commits(database);
  const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  await pause(SECONDS * 1_000);
  isOver = true;
  await writing;
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const serverUs = (await serverCpuUs(postmaster)) - server;
  const count = latenciesMs.length * eventsPerAppend;
  latenciesMs.sort((a, b) => a - b);
  const row = {
    writers,
    events_per_append: eventsPerAppend,
    commands: isCommand,
    events_per_s: Math.round(count / seconds),
    process_us_per_event: round((user + system) / count),
    postgres_us_per_event: round(serverUs / count),
    commits_per_event: round(((await commits(database)) - firstCommit) / count),
    p50_ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.5)] ?? 0),
    p99_ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0),
  };
  await store.close();
  return row;
}

const commits = (database: LogDatabase): Promise<number> =>
  database.asOwner(async (owner) => {
    const { rows } = await owner.query<{ n: string }>('select count(*) as n from log.commit');
    return Number(rows[0]?.n);
  });

const round = (value: number): number => Math.round(value * 100) / 100;

void main();
