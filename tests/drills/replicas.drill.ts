import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { contextUrl } from '@downbeat/event-store';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { ended } from '../support/bookings';
import { Suite } from '../support/suite';
import { Seeded } from './seeded';
import { DRILL_MS_MAX, minutesOf, say, sayFigures, seedOf } from './settings';
import { SteadyLoad } from './steady-load';
import { countsOf, verdictOn } from './verdict';

const SAGA = join(__dirname, '..', '..', 'apps', 'saga', 'dist', 'main.js');
const STRIKE_EVERY_MS = 10_000;
/** Some shorter than a lease of 3 s, some so long that others take the runs over. */
const FROZEN_MS = { min: 500, max: 8_000 };
const ENDED_MS_MAX = 180_000;
/** Of the roles of `tests/support/suite.ts`. */
const PASSWORD = 'end-to-end';

const chance = new Seeded(seedOf());
const minutes = minutesOf(3);

describe(`three replicas of the saga app, one struck every ${STRIKE_EVERY_MS / 1_000} s for ${minutes} minutes`, () => {
  let suite: Suite;
  let logDir: string;
  const replicas: AppProcess[] = [];
  beforeAll(async () => {
    suite = await Suite.start();
    logDir = mkdtempSync(join(tmpdir(), 'downbeat-replicas-'));
    const options = {
      name: 'saga',
      program: SAGA,
      environment: replicaEnvironment(),
      logFile: join(logDir, 'saga.log'),
    };
    replicas.push(suite.app('saga'), ...[1, 2].map(() => new AppProcess(options)));
    await Promise.all(replicas.slice(1).map((replica) => replica.start()));
  }, 120_000);
  afterAll(async () => {
    for (const replica of replicas) replica.signal('SIGCONT');
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
    await suite?.stop();
    rmSync(logDir, { recursive: true, force: true });
  }, 60_000);

  it(
    'hands runs over without losing one, and without two replicas working on one',
    async () => {
      say(`seed ${chance.seed}, ${minutes} minutes`);
      const load = new SteadyLoad(suite, 'replicas');
      const strikes = { kill: 0, freeze: 0 };
      for (const deadline = Date.now() + minutes * 60_000; Date.now() < deadline;) {
        const began = Date.now();
        const how = chance.oneOf(['kill', 'freeze'] as const);
        strikes[how]++;
        await (how === 'kill' ? kill : freeze)(chance.oneOf(replicas));
        await pause(Math.max(0, STRIKE_EVERY_MS - (Date.now() - began)));
      }
      const calmAt = Date.now();
      const bookings = await load.stop();
      const statuses = await ended(suite, bookings, ENDED_MS_MAX);
      const all_ended_after_s = (Date.now() - calmAt) / 1_000;
      const verdict = await verdictOn(suite, bookings);
      sayFigures('drill:replicas', {
        ...{ seed: chance.seed, minutes, kills: strikes.kill, freezes: strikes.freeze },
        ...{ bookings: bookings.length, ended: countsOf(statuses), all_ended_after_s },
        ...{ ...verdict, violations: verdict.violations.length },
      });
      expect(verdict.violations).toEqual([]);
    },
    DRILL_MS_MAX,
  );

  async function kill(replica: AppProcess): Promise<void> {
    say(`kill -9 of replica ${replicas.indexOf(replica)}`);
    await replica.stop('SIGKILL');
    await replica.start();
  }

  async function freeze(replica: AppProcess): Promise<void> {
    const ms = chance.between(FROZEN_MS.min, FROZEN_MS.max);
    say(`process ${replica.pid} frozen for ${ms} ms`);
    replica.signal('SIGSTOP');
    await pause(ms);
    replica.signal('SIGCONT');
  }

  function replicaEnvironment(): Record<string, string> {
    return {
      HOST: '127.0.0.1',
      NATS_URL: suite.natsUrl,
      DOWNBEAT_MODE: 'development',
      LOG_LEVEL: 'info',
      DATABASE_URL_SAGA: contextUrl(suite.databaseUrl, 'saga', PASSWORD),
    };
  }
});
