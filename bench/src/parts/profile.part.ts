import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WORKFLOW, type BenchContext, type Part } from '../bench-context';
import type { Entry } from '../load/run-client';
import { closedLoop } from '../load/closed-loop';
import { settled } from '../load/settled';
import { treeCpuUs } from '../measure/proc';
import { percentOf, summarize, type CpuProfile, type Profile } from '../profile/profile';
import { WORKSPACE } from '../suite/workspace';
import type { AppName } from '../suite/bench-suite';

const LOAD_MS = 10_000;
const CONCURRENCY = 64;
const WARM_UP_MS = 3_000;
const WRITTEN_MS_MAX = 20_000;
const ENDED = 'connections that ended';
const PRELOAD = join(__dirname, '..', 'profile', 'preload.js');

/** Where the time of a run goes: the saga app under commands, the gateway under requests. */
export const profile: Part = {
  name: 'profile',
  async run(context) {
    const profiles = [
      await profiled(context, 'saga', 'nats'),
      await profiled(context, 'gateway', 'rest'),
    ];
    return { figures: [], profiles };
  },
};

async function profiled(context: BenchContext, name: AppName, entry: Entry): Promise<Profile> {
  const { suite, counts } = context;
  const { client } = await context.loadBench();
  const app = suite.app(name);
  await settled(client, await counts.head());
  await app.stop();
  const file = join(suite.folder('profiles'), `${name}.cpuprofile`);
  await app.start({ PROFILE_FILE: file, NODE_OPTIONS: `--require "${PRELOAD}"` });
  const load = (forMs: number) =>
    closedLoop((id) => client.run(entry, WORKFLOW, id), { concurrency: CONCURRENCY, forMs });
  await load(WARM_UP_MS);

  const before = await treeCpuUs(suite.postgres.pid);
  app.signal('SIGUSR2');
  const { runs } = await load(LOAD_MS);
  app.signal('SIGUSR2');
  await settled(client, await counts.head());
  const connections = await connectionsOf(context, before, runs.length);
  const taken = await written(file);
  await app.stop();
  await app.start();

  const found = {
    ...summarize(
      `${name}, ${CONCURRENCY} runs at once over ${entry.toUpperCase()}`,
      taken,
      WORKSPACE,
    ),
    connections: name === 'saga' ? connections : [],
  };
  show(found);
  return found;
}

/** The file grows while it is written: it is whole when it can be parsed. */
async function written(file: string): Promise<CpuProfile> {
  for (const deadline = Date.now() + WRITTEN_MS_MAX; ; await pause(100))
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
    }
}

/** What Postgres did for each kind of connection. */
async function connectionsOf(
  { suite, counts }: BenchContext,
  before: ReadonlyMap<number, number>,
  runs: number,
): Promise<Profile['connections']> {
  const after = await treeCpuUs(suite.postgres.pid);
  const names = await counts.connections();
  const sums = new Map<string, number>();
  const add = (name: string, us: number) => sums.set(name, (sums.get(name) ?? 0) + us);
  for (const [pid, us] of after) {
    const name = pid === suite.postgres.pid ? ENDED : (names.get(pid) ?? 'others');
    add(name, us - (before.get(pid) ?? 0));
  }
  // The server's own count has taken over all that a connection used, that of before too.
  for (const [pid, us] of before) if (!after.has(pid)) add(ENDED, -us);
  return [...sums]
    .map(([name, us]) => ({ name, usPerRun: Math.round(us / runs) }))
    .filter(({ usPerRun }) => usPerRun > 0)
    .sort((a, b) => b.usPerRun - a.usPerRun);
}

function show({ process, libraries, functions, connections }: Profile): void {
  const lines = [
    `\n${process}`,
    ...libraries.map(({ name, share }) => `  ${percentOf(share).padStart(7)}  ${name}`),
    '',
    ...functions.map(
      ({ name, place, share }) => `  ${percentOf(share).padStart(7)}  ${name}  ${place}`,
    ),
    ...connections.map(({ name, usPerRun }) => `  ${String(usPerRun).padStart(5)} µs  ${name}`),
  ];
  console.log(lines.join('\n'));
}
