import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { log } from './log.mjs';
import { sagas } from './sagas.mjs';
import { services } from './services.mjs';
import { suite } from './suite.mjs';

// `node tools/dashboards/make.mjs` writes what Grafana reads; with `--check` it only says whether that is so.

const WORKSPACE = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const FOLDER = join(WORKSPACE, 'deploy', 'observability', 'grafana', 'dashboards');

const style = JSON.parse(readFileSync(join(WORKSPACE, '.prettierrc'), 'utf8'));
const stale = [];
for (const dashboard of [suite, sagas, services, log]) {
  const file = join(FOLDER, `${dashboard.uid.replace('downbeat-', '')}.json`);
  const text = await format(JSON.stringify(dashboard), { ...style, parser: 'json' });
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) stale.push(file);
}
if (stale.length > 0) {
  process.stderr.write(`not as tools/dashboards says: ${stale.join(', ')}\n`);
  process.exitCode = 1;
}
