import { migrate } from '@downbeat/event-store';
import { join } from 'node:path';
import { runSuite } from './run-suite';
import { topology } from './topology';

const WORKSPACE = join(__dirname, '..', '..', '..');

/** `npm start`: everything on this machine, until it is told to stop. */
void runSuite({
  workspace: WORKSPACE,
  plans: topology(WORKSPACE),
  migrate: (databaseUrl, passwords) => migrate(databaseUrl, { passwords }),
});
