import { CRASH_POINTS } from '@downbeat/saga-service';
import { book, ended, type Booking } from '../support/bookings';
import { Suite } from '../support/suite';
import { Seeded } from './seeded';
import { DRILL_MS_MAX, roundsOf, say, sayFigures, seedOf } from './settings';
import { countsOf, verdictOn } from './verdict';

const BOOKINGS = 50;
/** Each point is passed at least so often by 50 bookings. */
const PASSES_MAX = 40;
const DIES_MS_MAX = 60_000;
const ENDED_MS_MAX = 90_000;

const chance = new Seeded(seedOf());
const rounds = roundsOf(5);

describe(`the saga app, killed ${rounds} times at every crash point`, () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
  }, 120_000);
  afterAll(() => suite?.stop(), 60_000);

  it(
    'loses nothing, repeats nothing that is recorded, and ends every run',
    async () => {
      say(`seed ${chance.seed}, ${rounds} rounds over ${CRASH_POINTS.length} crash points`);
      const bookings: Booking[] = [];
      const statuses = new Map<string, string>();
      let [crashes, slowestS] = [0, 0];
      for (let round = 1; round <= rounds; round++) {
        for (const point of chance.shuffled(CRASH_POINTS)) {
          const passes = chance.between(1, PASSES_MAX);
          const began = Date.now();
          const some = await killedAt(point, passes, `crash-${crashes++}`);
          for (const [booking, status] of await ended(suite, some, ENDED_MS_MAX))
            statuses.set(booking, status);
          const seconds = (Date.now() - began) / 1_000;
          slowestS = Math.max(slowestS, seconds);
          bookings.push(...some);
          say(`round ${round}: ${point}, passed ${passes} times: ${seconds.toFixed(1)} s`);
        }
        const { violations } = await verdictOn(suite, bookings);
        expect(violations).toEqual([]);
      }
      const verdict = await verdictOn(suite, bookings);
      sayFigures('drill:crash', {
        ...{ seed: chance.seed, rounds, crashes, bookings: bookings.length },
        ...{ ended: countsOf(statuses), slowest_crash_to_all_ended_s: slowestS },
        ...{ ...verdict, violations: verdict.violations.length },
      });
      expect(verdict.violations).toEqual([]);
    },
    DRILL_MS_MAX,
  );

  /** Bookings during which the process dies at a point, and is started again. */
  async function killedAt(point: string, passes: number, prefix: string): Promise<Booking[]> {
    const isTakeOver = point === 'take-over.after-claim';
    const first = isTakeOver ? 'transition.after-append' : point;
    await suite.app('saga').stop();
    await suite.app('saga').start({ DOWNBEAT_CRASH_AT: `${first}:${passes}` });
    const booking = book(suite, prefix, BOOKINGS);
    await dies();
    if (isTakeOver) {
      suite.app('saga').launch({ DOWNBEAT_CRASH_AT: `${point}:1` });
      await dies();
    }
    await suite.app('saga').start();
    return booking;
  }

  async function dies(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('it lives on'), DIES_MS_MAX);
    });
    expect(await Promise.race([suite.app('saga').gone(), late])).toBe('SIGKILL');
    clearTimeout(timer);
  }
});
