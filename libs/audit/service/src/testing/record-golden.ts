import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDEN_SCENARIOS, transcriptOf } from './golden-scenarios';

/**
 * `node libs/audit/service/dist/testing/record-golden.js`: records what has no transcript yet. One
 * that is there is never written again: it stands for the logs of people who run that release.
 */
const folder = join(__dirname, '..', '..', 'src', 'replay', 'golden');
for (const [name, scenario] of Object.entries(GOLDEN_SCENARIOS)) {
  const file = join(folder, `${name}.json`);
  if (existsSync(file)) continue;
  writeFileSync(file, `${JSON.stringify(transcriptOf(scenario), null, 2)}\n`);
  process.stdout.write(`${name}\n`);
}
