import { invariants, violations } from '@downbeat/wedding';
import {
  bookingRequest,
  bookPatiently,
  ended,
  eventsOf,
  type StoredEvent,
  type TurnedAway,
} from './support/bookings';
import { judge } from './support/history';
import { Suite } from './support/suite';

const OPEN_RUNS_MAX = 8;
const BOOKINGS = 120;
/** Each of them comes again after as long as it is told to. */
const PATIENCE_MS = 120_000;
const ENDS = ['WorkflowCompleted', 'WorkflowCompensated', 'WorkflowFailed'];

describe('a suite that is asked to start far more runs than it takes on', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
    await suite.app('saga').stop();
    await suite.app('saga').start({ SAGA_OPEN_RUNS_MAX: `${OPEN_RUNS_MAX}` });
  });
  afterAll(() => suite?.stop(), 60_000);

  it('turns starts away with 429, finishes the runs it has, and loses none in the end', async () => {
    const turnedAway: TurnedAway[] = [];
    const bookings = await Promise.all(
      Array.from({ length: BOOKINGS }, (_, index) =>
        bookPatiently(suite, bookingRequest(`overload-${index}`, index), turnedAway, PATIENCE_MS),
      ),
    );
    expect(turnedAway.length).toBeGreaterThan(BOOKINGS / 2);
    expect(new Set(turnedAway.map(({ code }) => code))).toEqual(new Set(['overloaded']));
    expect(turnedAway.every(({ retryAfter }) => retryAfter >= 1 && retryAfter <= 30)).toBe(true);

    const statuses = await ended(suite, bookings);
    expect(new Set(statuses.values())).toEqual(new Set(['completed', 'compensated']));
    const events = await eventsOf(suite, 'order=asc');
    expect(openAtMost(events)).toBe(OPEN_RUNS_MAX);
    expect(events.filter(({ type }) => type === 'WorkflowStarted')).toHaveLength(BOOKINGS);
    const calls = suite.callLogs();
    const wrong = bookings.flatMap(({ workflow_id }) => {
      const own = events.filter(({ stream }) => stream === `workflow-${workflow_id}`);
      return judge(workflow_id, own, calls);
    });
    expect([...wrong, ...violations(invariants(calls))]).toEqual([]);
  }, 240_000);
});

/** The most runs that had begun and not ended, by the log. */
function openAtMost(events: readonly StoredEvent[]): number {
  let [open, most] = [0, 0];
  for (const { type } of events) {
    if (type === 'WorkflowStarted') most = Math.max(most, ++open);
    if (ENDS.includes(type)) open--;
  }
  return most;
}
