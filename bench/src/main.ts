import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchContext, type Part } from './bench-context';
import { describeMachine } from './measure/machine';
import { OtherLoad } from './measure/other-load';
import { append } from './parts/append.part';
import { discovery } from './parts/discovery.part';
import { lag } from './parts/lag.part';
import { moments } from './parts/moments.part';
import { past } from './parts/past.part';
import { profile } from './parts/profile.part';
import { rebuild } from './parts/rebuild.part';
import { recovery } from './parts/recovery.part';
import { registry } from './parts/registry.part';
import { saga } from './parts/saga.part';
import { startup } from './parts/startup.part';
import { traces } from './parts/traces.part';
import { views } from './parts/views.part';
import { percentOf, type Profile } from './profile/profile';
import { replaceSection, sectionText, SECTIONS, type Report } from './report/document';
import type { Figure } from './report/figure';
import { tableOf } from './report/table';
import { WORKSPACE } from './suite/workspace';

/** In this order: those that stop the apps come last. */
const PARTS: readonly Part[] = [
  startup,
  saga,
  views,
  recovery,
  discovery,
  rebuild,
  moments,
  profile,
  registry,
  traces,
  append,
  lag,
  past,
];
const WRITE_DOCS = '--write-docs';
const DOCUMENT = join(WORKSPACE, 'docs', 'benchmarks.md');
const MINUTES_MAX = 25;

/** `npm run bench [-- part... --write-docs]`. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2).filter((word) => word !== WRITE_DOCS);
  const unknown = wanted.find((word) => PARTS.every(({ name }) => name !== word));
  if (unknown !== undefined) {
    console.error(
      `there is no part ${unknown}: name some of ${PARTS.map(({ name }) => name).join(', ')}`,
    );
    process.exit(2);
  }
  const writesDocs = process.argv.includes(WRITE_DOCS);
  setTimeout(() => {
    console.error(`the benchmarks did not end within ${MINUTES_MAX} minutes`);
    process.exit(1); // The servers end with this process.
  }, MINUTES_MAX * 60_000).unref();

  const machine = describeMachine();
  console.log(JSON.stringify(machine));
  const figures: Figure[] = [];
  const profiles: Profile[] = [];
  const others = new Map<string, number>();
  const otherLoad = await OtherLoad.watch();
  const context = await BenchContext.open();
  const servers = await serversOf(context);
  try {
    for (const part of PARTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      await otherLoad.take();
      const found = await part.run(context);
      others.set(part.name, await otherLoad.take());
      console.log(JSON.stringify({ part: part.name, others_used: others.get(part.name) }));
      for (const one of found.figures) console.log(JSON.stringify(one));
      figures.push(...found.figures);
      profiles.push(...(found.profiles ?? []));
    }
  } finally {
    await context.close();
  }
  console.log(`\n${tableOf(figures)}\n`);
  for (const [part, share] of others)
    console.log(`${part}: others used ${percentOf(share)} of the cores meanwhile`);
  const command = ['npm run bench', ...(wanted.length === 0 ? [] : ['--', ...wanted])].join(' ');
  if (writesDocs) writeDocument({ machine, servers, command, figures, others, profiles });
}

/** Replaces what was measured now, and leaves the rest as it is. */
function writeDocument(report: Report): void {
  let document = readFileSync(DOCUMENT, 'utf8');
  for (const section of SECTIONS) {
    const isMeasured = section === 'figures' ? report.figures : report.profiles;
    if (isMeasured.length > 0)
      document = replaceSection(document, section, sectionText(section, report));
  }
  writeFileSync(DOCUMENT, document);
}

async function serversOf({ counts, suite }: BenchContext): Promise<string> {
  const answer = await fetch(`${suite.nats.monitoringUrl}/varz`);
  const { version } = (await answer.json()) as { version: string };
  return `PostgreSQL ${await counts.serverVersion()}, nats-server ${version}`;
}

main().then(
  () => process.exit(0),
  (fault: unknown) => {
    console.error(fault);
    process.exit(1);
  },
);
