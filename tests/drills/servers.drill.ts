import { setTimeout as pause } from 'node:timers/promises';
import { ended } from '../support/bookings';
import { Suite } from '../support/suite';
import { Seeded } from './seeded';
import { DRILL_MS_MAX, minutesOf, say, sayFigures, seedOf } from './settings';
import { SteadyLoad } from './steady-load';
import { countsOf, verdictOn } from './verdict';

const CALM_MS = { min: 4_000, max: 12_000 };
const ENDED_MS_MAX = 180_000;
const BREAKS = ['postgres', 'nats', 'jetstream'] as const;

const chance = new Seeded(seedOf());
const minutes = minutesOf(3);

describe(`the suite under load, its servers killed for ${minutes} minutes`, () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
  }, 120_000);
  afterAll(() => suite?.stop(), 60_000);

  it(
    'keeps its processes, loses nothing that was accepted, and its read models are right',
    async () => {
      say(`seed ${chance.seed}, ${minutes} minutes of ${BREAKS.join(', ')}`);
      const pids = [...suite.apps.values()].map(({ pid }) => pid);
      const load = new SteadyLoad(suite, 'servers');
      const broken = { postgres: 0, nats: 0, jetstream: 0 };
      for (const deadline = Date.now() + minutes * 60_000; Date.now() < deadline;) {
        await pause(chance.between(CALM_MS.min, CALM_MS.max));
        const what = chance.oneOf(BREAKS);
        broken[what]++;
        const began = Date.now();
        await broke[what]();
        say(`${what} was killed and is back after ${Date.now() - began} ms`);
      }
      const calmAt = Date.now();
      const bookings = await load.stop();
      const statuses = await ended(suite, bookings, ENDED_MS_MAX);
      const all_ended_after_s = (Date.now() - calmAt) / 1_000;
      const verdict = await verdictOn(suite, bookings);
      const { body: audit } = await suite.request<Audit>('POST', '/audit/verify', {
        read_model: 'saga.workflows',
      });
      sayFigures('drill:servers', {
        ...{ seed: chance.seed, minutes, kills_of_postgres: broken.postgres },
        ...{ kills_of_nats: broken.nats, deletions_of_jetstream: broken.jetstream },
        ...{ bookings: bookings.length, ended: countsOf(statuses), all_ended_after_s },
        ...{ ...verdict, violations: verdict.violations.length },
        hash_chain_intact: audit.hash_chain.is_intact,
        read_model_equal: audit.read_model.is_equal,
      });
      expect(verdict.violations).toEqual([]);
      expect([...suite.apps.values()].map(({ pid }) => pid)).toEqual(pids);
      expect(audit).toMatchObject({
        hash_chain: { is_intact: true },
        read_model: { is_equal: true },
      });
    },
    DRILL_MS_MAX,
  );

  const broke = {
    postgres: () => suite.crashPostgres(),
    nats: () => suite.crashNats(),
    jetstream: () => suite.crashNats({ losing: true }),
  } as const;
});

interface Audit extends Record<string, unknown> {
  readonly hash_chain: { readonly is_intact: boolean };
  readonly read_model: { readonly is_equal: boolean };
}
