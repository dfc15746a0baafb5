import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// `node deploy/book-weddings.mjs <gateway URL>`: the demo against a suite that `npm start` does not run.
const [gatewayUrl = 'http://127.0.0.1:8080'] = process.argv.slice(2);
const dataDir = mkdtempSync(join(tmpdir(), 'downbeat-'));
writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ gateway_url: gatewayUrl }));
process.argv[2] = dataDir;
await import('../examples/wedding/dist/demo.js');
