import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeMachine } from '../measure/machine';
import { OtherLoad } from '../measure/other-load';
import { percentOf } from '../profile/profile';
import { about, markdownTable, replaceSection } from '../report/document';
import { figure, type Figure, type Target } from '../report/figure';
import { rowsOf, tableOf } from '../report/table';
import { WORKSPACE } from '../suite/workspace';
import type { PerCall } from './per-call';

const WRITE_DOCS = '--write-docs';
const DOCUMENT = join(WORKSPACE, 'docs', 'benchmarks.md');
const PEERS = join(WORKSPACE, 'bench', 'peers');
const TURNS = 5;
const TURN_MS_MAX = 300_000;
const PART = 'resilience';

interface Contender {
  readonly title: string;
  readonly script: string;
  readonly name: string;
  readonly target?: Target;
}

const downbeat = (title: string, name: string, target?: Target): Contender => ({
  title: `Downbeat: ${title}`,
  script: join(__dirname, 'downbeat.js'),
  name,
  ...(target && { target }),
});
const peer = (title: string, name: string): Contender => ({
  title,
  script: join(PEERS, 'resilience.mjs'),
  name,
});

const CONTENDERS: readonly Contender[] = [
  downbeat('proxy: balancer (two choices), bulkhead, breaker, retry, time-out', 'proxy', {
    atMost: 250,
  }),
  downbeat('the same, round robin', 'proxy-round-robin', { atMost: 250 }),
  downbeat('breaker, retry, time-out', 'all', { atMost: 250 }),
  downbeat('the same, three rules, slow calls timed', 'all-three-rules'),
  downbeat('breaker', 'breaker'),
  peer('cockatiel: bulkhead, breaker, retry, time-out', 'cockatiel-bulkhead'),
  peer('cockatiel: breaker, retry, time-out', 'cockatiel-all'),
  peer('cockatiel: breaker, retry', 'cockatiel-breaker-retry'),
  peer('cockatiel: breaker', 'cockatiel-breaker'),
  peer('opossum: breaker, time-out', 'opossum-breaker-timeout'),
  peer('opossum: breaker', 'opossum-breaker'),
];

/** What stands around a call costs when nothing fails, beside other libraries, in turns. */
async function main(): Promise<void> {
  const words = process.argv.slice(2);
  if (words.some((word) => word !== WRITE_DOCS)) {
    console.error(`usage: npm run bench:resilience -- [${WRITE_DOCS}]`);
    process.exit(2);
  }
  const otherLoad = await OtherLoad.watch();
  const costs = new Map(CONTENDERS.map(({ title }) => [title, [] as PerCall[]]));
  for (let turn = 0; turn < TURNS; turn++)
    for (const contender of CONTENDERS) costs.get(contender.title)?.push(await costOf(contender));
  const figures = CONTENDERS.map(({ title, target }) => {
    const overNs = (costs.get(title) ?? []).map((one) => one.overNs);
    return figure(PART, `${title}: over the bare call`, 'ns', overNs, target);
  });
  const bareNs = [...costs.values()].flat().map((one) => one.bareNs);
  report([figure(PART, 'the bare call', 'ns', bareNs), ...figures], await otherLoad.take(), words);
}

async function costOf({ script, name }: Contender): Promise<PerCall> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, name], {
    timeout: TURN_MS_MAX,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return JSON.parse(stdout) as PerCall;
}

function report(figures: readonly Figure[], others: number, words: readonly string[]): void {
  for (const one of figures) console.log(JSON.stringify(one));
  console.log(`\n${tableOf(figures)}\n`);
  const busy = `Others used ${percentOf(others)} of the cores meanwhile.`;
  console.log(busy);
  if (!words.includes(WRITE_DOCS)) return;
  const command = 'npm run bench:resilience';
  const text = [
    about({ machine: describeMachine(), servers: versions(), command }),
    `${busy} The median, and the spread of ${TURNS} turns.`,
    markdownTable(
      ['Figure', 'Median', 'Spread', 'Unit', 'Target', ''],
      rowsOf(figures).map((row) => row.slice(1)),
    ).join('\n'),
  ].join('\n\n');
  writeFileSync(DOCUMENT, replaceSection(readFileSync(DOCUMENT, 'utf8'), PART, text));
}

/** Of the other libraries, as they are pinned. */
function versions(): string {
  const { dependencies } = JSON.parse(readFileSync(join(PEERS, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return ['cockatiel', 'opossum'].map((name) => `${name} ${dependencies[name] ?? ''}`).join(', ');
}

main().then(
  () => process.exit(0),
  (fault: unknown) => {
    console.error(fault);
    process.exit(1);
  },
);
