import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { envExample } from '@downbeat/service-host';
import { envSections } from './env-sections';

/** Writes `.env.example`: `node tools/dev-suite/dist/env-example/write-env-example.js [folder]`. */
const folder = resolve(process.argv[2] ?? join(__dirname, '../../../..'));
writeFileSync(join(folder, '.env.example'), envExample(envSections));
