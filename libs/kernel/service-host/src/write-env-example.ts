import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { envExample } from './config/env-example';
import { envSections } from './config/env-sections';

/** Writes `.env.example`: `node libs/kernel/service-host/dist/write-env-example.js [folder]`. */
const folder = resolve(process.argv[2] ?? join(__dirname, '../../../..'));
writeFileSync(join(folder, '.env.example'), envExample(envSections));
