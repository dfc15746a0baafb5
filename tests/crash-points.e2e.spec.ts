import { invariants, violations } from '@downbeat/wedding';
import { CRASH_POINTS } from '@downbeat/saga-service';
import { book, ended, eventsOf, type Booking } from './support/bookings';
import { judge } from './support/history';
import { Suite } from './support/suite';

const BOOKINGS = 50;
const KILLS_PER_POINT = 3;

/** How many times a point is passed before the process dies there: early, in the middle, late. */
const PASSES = [1, 17, 40];

describe('the saga app, killed at every crash point while 50 bookings run', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
  });
  afterAll(() => suite?.stop(), 60_000);

  it.each(CRASH_POINTS.filter((point) => point !== 'take-over.after-claim'))(
    'loses and repeats nothing at %s',
    async (point) => {
      const bookings: Booking[] = [];
      for (const [kill, passes] of PASSES.slice(0, KILLS_PER_POINT).entries()) {
        await restartDyingAt(`${point}:${passes}`);
        const gone = suite.app('saga').gone();
        const booking = book(suite, `${point.replace('.', '-')}-${kill}`, BOOKINGS);
        expect(await gone).toBe('SIGKILL');
        await suite.app('saga').start();
        bookings.push(...(await booking));
        await ended(suite, bookings);
      }
      await expectAllWell(bookings);
    },
    240_000,
  );

  it('loses and repeats nothing when the process dies that took the runs over', async () => {
    const bookings: Booking[] = [];
    for (let kill = 0; kill < KILLS_PER_POINT; kill++) {
      await restartDyingAt('transition.after-append:25');
      const first = suite.app('saga').gone();
      const booking = book(suite, `take-over-${kill}`, BOOKINGS);
      expect(await first).toBe('SIGKILL');
      suite.app('saga').launch({ DOWNBEAT_CRASH_AT: 'take-over.after-claim:1' });
      expect(await suite.app('saga').gone()).toBe('SIGKILL');
      await suite.app('saga').start();
      bookings.push(...(await booking));
      await ended(suite, bookings);
    }
    await expectAllWell(bookings);
  }, 240_000);

  async function restartDyingAt(point: string): Promise<void> {
    await suite.app('saga').stop();
    await suite.app('saga').start({ DOWNBEAT_CRASH_AT: point });
  }

  async function expectAllWell(bookings: readonly Booking[]): Promise<void> {
    const calls = suite.callLogs();
    for (const { workflow_id } of bookings) {
      const events = await eventsOf(suite, `stream=workflow-${workflow_id}`);
      expect(judge(workflow_id, events, calls)).toEqual([]);
    }
    expect(violations(invariants(calls))).toEqual([]);
  }
});
