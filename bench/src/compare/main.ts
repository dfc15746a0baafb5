import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadOptions } from '../load/closed-loop';
import { describeMachine, type Machine } from '../measure/machine';
import { OtherLoad } from '../measure/other-load';
import { percentile, rounded } from '../measure/statistics';
import { percentOf } from '../profile/profile';
import { about, markdownTable, replaceSection } from '../report/document';
import { rowsOf, tableOf } from '../report/table';
import { WORKSPACE } from '../suite/workspace';
import { BenchSuite } from '../suite/bench-suite';
import { LogCounts } from '../suite/log-counts';
import { ParticipantProcess } from '../suite/participant';
import type { Contender, DurableContender } from './contender';
import { DatabaseServer } from './database-counts';
import { DownbeatContender } from './downbeat-contender';
import { bareCalls, dbos, PEERS, writesToo } from './process-contender';
import { recoveryOf, SLOW_CALL_MS } from './recovery';
import { RestateContender } from './restate-contender';
import { comparison, ratios, type Results } from './results';
import { measuredRound } from './round';

const CONCURRENCY = 64;
/** What a just-in-time compiler has not seen often is slow, however long it takes. */
const WARM_RUNS_PER_S_MIN = 200;
const MINUTES_MAX = 25;
const DOCUMENT = join(WORKSPACE, 'docs', 'benchmarks.md');
const WRITE_DOCS = '--write-docs';

interface Settings {
  readonly rounds: number;
  /** Of each load; runs one at a time get half of it. */
  readonly seconds: number;
  readonly writesDocs: boolean;
}

/** `npm run bench:saga [-- --rounds=3 --seconds=8 --write-docs]`. */
async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  setTimeout(() => {
    console.error(`the comparison did not end within ${MINUTES_MAX} minutes`);
    process.exit(1); // The servers end with this process.
  }, MINUTES_MAX * 60_000).unref();
  const machine = describeMachine();
  console.log(JSON.stringify(machine));

  const suite = await BenchSuite.create();
  const counts = new LogCounts(suite.postgres.url);
  await counts.open();
  const server = new DatabaseServer(suite.postgres.url);
  const fast = await ParticipantProcess.launch(suite, ['bench-stock', 'bench-payment'], 0);
  const slowServices = ['bench-slow-stock', 'bench-slow-payment'];
  const slow = await ParticipantProcess.launch(suite, slowServices, SLOW_CALL_MS);
  const servers = await versions(suite, counts);
  const otherLoad = await OtherLoad.watch();
  try {
    const nats = new DownbeatContender(suite, counts, 'nats');
    const rest = new DownbeatContender(suite, counts, 'rest');
    const peers = [
      await dbos(suite, server),
      await RestateContender.create(suite, 'Restate'),
      await RestateContender.create(suite, 'Restate, 2 partitions', 2),
    ] as const;
    const floors = [bareCalls(suite), await writesToo(suite, server)] as const;
    const all = [nats, rest, ...peers, ...floors].map(resultsOf);
    for (let round = 1; round <= settings.rounds; round++) {
      for (const one of all) await takeTurn(one, { fast, server, round, settings });
      for (const durable of [nats, ...peers]) {
        const results = all.find(({ contender }) => contender === durable);
        if (results) await killOne(durable, results, slow, round);
      }
    }
    const others = await otherLoad.take();
    report({ machine, servers, settings, others, all });
  } finally {
    await Promise.all([fast.stop(), slow.stop()]);
    await server.close();
    await counts.close();
    await suite.close();
  }
}

interface Entrant extends Results {
  readonly contender: Contender;
}

const resultsOf = (contender: Contender): Entrant => ({
  contender,
  name: contender.name,
  isOnPostgres: contender.isOnPostgres,
  busy: [],
  unloaded: [],
  recoveries: [],
});

interface Turn {
  readonly fast: ParticipantProcess;
  readonly server: DatabaseServer;
  readonly round: number;
  readonly settings: Settings;
}

/** Warm-up, load and runs one at a time; nobody else runs meanwhile. */
async function takeTurn(entrant: Entrant, { fast, server, round, settings }: Turn): Promise<void> {
  const { contender, name } = entrant;
  const forMs = settings.seconds * 1_000;
  const measured = async (load: LoadOptions) => {
    const found = await measuredRound(contender, fast, server, load);
    const { toldMs, committedMs, partsUs, ...rest } = found;
    console.log(
      JSON.stringify({
        ...{ benchmark: 'saga-engines', name, round, ...load, ...rest },
        parts_us: Object.fromEntries(partsUs),
        told_ms: percentiles(toldMs),
        committed_ms: percentiles(committedMs),
      }),
    );
    return found;
  };
  await contender.open(fast);
  try {
    const runsMin = WARM_RUNS_PER_S_MIN * settings.seconds;
    await measured({ concurrency: CONCURRENCY, forMs, runsMin }); // The first is to warm up.
    entrant.busy.push(await measured({ concurrency: CONCURRENCY, forMs }));
    entrant.unloaded.push(await measured({ concurrency: 1, forMs: forMs / 2 }));
  } finally {
    await contender.close();
  }
}

async function killOne(
  contender: DurableContender,
  results: Results,
  slow: ParticipantProcess,
  round: number,
): Promise<void> {
  await contender.open(slow);
  try {
    const recovery = await recoveryOf(contender, slow);
    const name = contender.name;
    console.log(JSON.stringify({ benchmark: 'saga-engines-recovery', name, round, ...recovery }));
    results.recoveries.push(recovery);
  } finally {
    await contender.close();
  }
}

interface Findings {
  readonly machine: Machine;
  readonly servers: string;
  readonly settings: Settings;
  /** Share of the cores that others used. */
  readonly others: number;
  readonly all: readonly Results[];
}

function report({ machine, servers, settings, others, all }: Findings): void {
  const [nats, rest, dbosResults, restate, tuned, , floor] = all;
  if (!nats || !rest || !dbosResults || !restate || !tuned || !floor)
    throw new Error('a contender is missing');
  const figures = ratios({ nats, rest, dbos: dbosResults, restate, tuned, floor });
  const { titles, rows } = comparison(all, machine.cores, CONCURRENCY);
  for (const one of figures) console.log(JSON.stringify(one));
  const table = markdownTable(titles, rows);
  const command = `npm run bench:saga -- --rounds=${settings.rounds} --seconds=${settings.seconds}`;
  console.log(`\n${table.join('\n')}\n\n${tableOf(figures)}\n`);
  console.log(`others used ${percentOf(others)} of the cores meanwhile`);
  if (!settings.writesDocs) return;
  const text = [
    about({ machine, servers, command }),
    `Others used ${percentOf(others)} of the cores meanwhile. The median, and the spread of ${settings.rounds} rounds.`,
    table.join('\n'),
    markdownTable(
      ['Ratio', 'Median', 'Spread', 'Unit', 'Target', ''],
      rowsOf(figures).map((row) => row.slice(1)),
    ).join('\n'),
  ].join('\n\n');
  writeFileSync(DOCUMENT, replaceSection(readFileSync(DOCUMENT, 'utf8'), 'engines', text));
}

function settingsOf(words: readonly string[]): Settings {
  const numberOf = (name: string, otherwise: number): number => {
    const word = words.find((one) => one.startsWith(`--${name}=`));
    return word === undefined ? otherwise : Number(word.slice(name.length + 3));
  };
  const [rounds, seconds] = [numberOf('rounds', 3), numberOf('seconds', 8)];
  const isKnown = (word: string) => word === WRITE_DOCS || /^--(rounds|seconds)=\d+$/.test(word);
  const unknown = words.find((word) => !isKnown(word));
  if (unknown !== undefined || rounds < 1 || seconds < 1) {
    console.error(`usage: npm run bench:saga -- [--rounds=3] [--seconds=8] [${WRITE_DOCS}]`);
    process.exit(2);
  }
  return { rounds, seconds, writesDocs: words.includes(WRITE_DOCS) };
}

/** Of the servers, and of the other engines as they are pinned. */
async function versions(suite: BenchSuite, counts: LogCounts): Promise<string> {
  const answer = await fetch(`${suite.nats.monitoringUrl}/varz`);
  const { version } = (await answer.json()) as { version: string };
  const peers = JSON.parse(readFileSync(join(WORKSPACE, PEERS, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const engines = Object.entries(peers.dependencies)
    .filter(([name]) => name.startsWith('@'))
    .map(([name, pinned]) => `${name} ${pinned}`);
  const postgres = `PostgreSQL ${await counts.serverVersion()}`;
  return [postgres, `nats-server ${version}`, ...engines].join(', ');
}

const percentiles = (ms: readonly number[]) =>
  ms.length === 0 ? [] : [0.5, 0.95, 0.99].map((share) => rounded(percentile(ms, share)));

main().then(
  () => process.exit(0),
  (fault: unknown) => {
    console.error(fault);
    process.exit(1);
  },
);
