import { randomUUID } from 'node:crypto';
import type { CallRecord } from './call-log';
import { invariants, violations, type Invariants } from './invariants';
import { PARTICIPANT_NAMES, type Entry, type ParticipantName } from './participant';
import { askJson, Suite, SuiteRefused, type RunStatus } from './suite';
import { timelineText } from './timeline';

const ENDED = ['completed', 'failed', 'compensated'];
const LOG_PAGES_MAX = 1_000;
const DAYS_MAX = 10_000;

export interface DemoOptions {
  readonly gatewayUrl: string;
  /** The definition, as YAML. */
  readonly definition: string;
  readonly print: (text: string) => void;
  /** How long to wait for the services, and for each run. Default 60 s. */
  readonly waitMs?: number;
  readonly pollMs?: number;
}

interface Booking {
  readonly booking_id: string;
  readonly card: string;
  readonly expected: 'completed' | 'compensated';
}

/**
 * Books a wedding that succeeds and one whose payment is refused, and shows what became of both.
 *
 * @returns Whether both ended as expected and no invariant is violated.
 */
export async function weddingDemo(options: DemoOptions): Promise<boolean> {
  const { print } = options;
  const suite = new Suite(options.gatewayUrl);
  const urls = await servicesReady(suite, options);
  await suite.registerDefinition(options.definition);

  const suffix = randomUUID().slice(0, 8);
  const bookings: readonly Booking[] = [
    { booking_id: `wedding-${suffix}-paid`, card: '4000-accepted', expected: 'completed' },
    { booking_id: `wedding-${suffix}-refused`, card: '4000-refused', expected: 'compensated' },
  ];
  const dates = await freeDates(urls.venue, bookings.length);
  const runs = await Promise.all(
    bookings.map(async (booking, index) => {
      const id = await suite.start(booking.booking_id, {
        booking: {
          booking_id: booking.booking_id,
          card: booking.card,
          venue: 'garden-hall',
          date: dates[index],
          guests: 80,
          menu: 'summer',
          deposit: 2_500,
          email: 'couple@example.com',
        },
      });
      return { booking, run: await runEnded(suite, id, options) };
    }),
  );

  const logs = (await Promise.all(PARTICIPANT_NAMES.map((name) => readLog(urls[name])))).flat();
  for (const { booking, run } of runs) {
    const calls = logs.filter(({ booking_id }) => booking_id === booking.booking_id);
    print(`\n${timelineText(run, calls)}`);
  }
  const found = invariants(logs, new Set(bookings.map(({ booking_id }) => booking_id)));
  print(`\n${invariantsText(found)}`);
  const surprises = runs
    .filter(({ booking, run }) => run.workflow.current_status !== booking.expected)
    .map(
      ({ booking, run }) =>
        `${booking.booking_id} is ${run.workflow.current_status}, not ${booking.expected}`,
    );
  for (const surprise of [...surprises, ...violations(found)]) print(`violated: ${surprise}`);
  return surprises.length === 0 && violations(found).length === 0;
}

const invariantsText = (found: Invariants): string =>
  [
    `double bookings ${found.double_bookings.length}`,
    `captured without a venue ${found.captured_without_venue.length}`,
    `holds leaked ${found.holds_leaked.length}`,
    `effects repeated ${found.effects_repeated.length}`,
  ].join('\n');

/** Waits until each service has a healthy instance. */
async function servicesReady(
  suite: Suite,
  options: DemoOptions,
): Promise<Readonly<Record<ParticipantName, string>>> {
  const found = await Promise.all(
    PARTICIPANT_NAMES.map(async (name) => {
      const url = await until(options, `a healthy instance of ${name}`, async () => {
        const [first] = await suite.instances(name);
        return first;
      });
      return [name, url] as const;
    }),
  );
  return Object.fromEntries(found) as Record<ParticipantName, string>;
}

const runEnded = (suite: Suite, id: string, options: DemoOptions): Promise<RunStatus> =>
  until(options, `the end of run ${id}`, async () => {
    const run = await suite.status(id);
    return ENDED.includes(run.workflow.current_status) ? run : undefined;
  });

/** Asks until there is an answer; what is not there yet and a suite that is busy are no answers. */
async function until<Value>(
  { waitMs = 60_000, pollMs = 100 }: DemoOptions,
  awaited: string,
  ask: () => Promise<Value | undefined>,
): Promise<Value> {
  const deadline = Date.now() + waitMs;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const value = await ask();
      if (value !== undefined) return value;
    } catch (fault) {
      if (!(fault instanceof SuiteRefused) || ![404, 503].includes(fault.status)) throw fault;
      last = `: ${fault.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`${awaited} was not seen within ${waitMs} ms${last}`);
}

/** Days from a month on that the venue has not given to anybody. */
async function freeDates(venueUrl: string, count: number): Promise<readonly string[]> {
  const state = (await askJson(`${venueUrl}/state`)) as { entries: readonly Entry[] };
  const taken = new Set(state.entries.map(({ slot }) => slot));
  const free: string[] = [];
  for (let day = 30; free.length < count && day < DAYS_MAX; day++) {
    const date = new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10);
    if (!taken.has(`garden-hall on ${date}`)) free.push(date);
  }
  return free;
}

async function readLog(serviceUrl: string): Promise<readonly CallRecord[]> {
  const records: CallRecord[] = [];
  for (let page = 0; page < LOG_PAGES_MAX; page++) {
    const answer = await askJson(`${serviceUrl}/log?after=${records.length}`);
    const more = (answer as { records: readonly CallRecord[] }).records;
    if (more.length === 0) break;
    records.push(...more);
  }
  return records;
}
