import { Client } from 'pg';
import { join } from 'node:path';
import { runSuite } from '../run-suite';
import type { AppPlan } from '../topology';

const MAIN = join(__dirname, 'fake-app.js');
const [kind = 'good'] = process.argv.slice(2);

const plan = (name: string, more: Partial<AppPlan>): AppPlan => ({
  name,
  main: kind === 'missing' ? `${MAIN}.gone` : MAIN,
  args: [kind],
  contexts: [],
  port: 'free',
  readyPath: '/health/ready',
  stage: 'app',
  ...more,
});

/** Leaves a row behind at each start, so that a test sees whose data it is on. */
async function countStart(databaseUrl: string): Promise<void> {
  const client = new Client(databaseUrl);
  // A suite that is stopped while it starts takes its database along.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('create table if not exists start (at timestamptz)');
  await client.query('insert into start values (now())');
  await client.end();
}

/** The suite over apps that do nothing. */
void runSuite({
  workspace: process.cwd(),
  plans: [
    plan('registry', { contexts: ['registry'] }),
    plan('orchestrator', { contexts: ['messaging', 'audit'] }),
    plan('gateway', { port: 'gateway', stage: 'gateway' }),
    plan('venue', { stage: 'demo' }),
  ],
  migrate: countStart,
});
