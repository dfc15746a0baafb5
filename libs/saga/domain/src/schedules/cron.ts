import { epochMs, instantOf, type Instant } from '@downbeat/eventsourcing';
import { Cron } from 'croner';

/** The moments of a cron expression in a time zone. */
export interface Timetable {
  readonly cron: string;
  readonly time_zone: string;
}

/** The library takes a text with a colon for one moment, in the words of `Date.parse`. */
const FIELDS = /^[^\s:]+( [^\s:]+){4,5}$/;

/** Why a timetable names no moments after `after`; undefined: it does. */
export function whyNoTimetable(
  { cron, time_zone }: Timetable,
  after: Instant,
): Refusal | undefined {
  if (!isTimeZone(time_zone))
    return { field: 'time_zone', message: `is no time zone of the IANA database: ${time_zone}` };
  if (!FIELDS.test(cron))
    return { field: 'cron', message: 'must be five fields, or six with seconds first' };
  try {
    const next = new Cron(cron, { timezone: time_zone }).nextRun(new Date(epochMs(after)));
    return next ? undefined : { field: 'cron', message: 'never comes' };
  } catch (fault) {
    // The library says with an error what is wrong with an expression.
    if (!(fault instanceof Error)) throw fault;
    return { field: 'cron', message: fault.message.replace(/^CronPattern: /, '') };
  }
}

interface Refusal {
  readonly field: keyof Timetable;
  readonly message: string;
}

/** The moments after `after`, ascending, at most `max` and none after `until`. */
export function momentsAfter(
  { cron, time_zone }: Timetable,
  after: Instant,
  max: number,
  until?: Instant,
): readonly Instant[] {
  const timetable = new Cron(cron, { timezone: time_zone });
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : epochMs(until);
  const moments: Instant[] = [];
  let next = timetable.nextRun(new Date(epochMs(after)));
  while (next && next.getTime() <= untilMs && moments.length < max) {
    moments.push(instantOf(next.getTime()));
    next = timetable.nextRun(next);
  }
  return moments;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (fault) {
    if (fault instanceof RangeError) return false;
    throw fault;
  }
}
