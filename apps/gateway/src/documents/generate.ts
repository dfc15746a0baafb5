import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generatedFiles } from './files';

/** Writes the generated files of `docs/`: `node apps/gateway/dist/documents/generate.js [folder]`. */
const folder = resolve(process.argv[2] ?? join(__dirname, '../../../../docs'));
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(generatedFiles()))
  writeFileSync(join(folder, name), text);
