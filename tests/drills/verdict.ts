import { invariants, violations } from '@downbeat/wedding';
import { eventsOf, type Booking, type StoredEvent } from '../support/bookings';
import { judge } from '../support/history';
import type { Suite } from '../support/suite';

export interface Verdict {
  readonly violations: readonly string[];
  readonly events: number;
  readonly calls: number;
  /** Calls that came again under their key and were answered as the first time: an answer had been lost. */
  readonly answers_given_again: number;
}

/** What must hold of all bookings together, by the log and by what the participants wrote down. */
export async function verdictOn(suite: Suite, bookings: readonly Booking[]): Promise<Verdict> {
  const events = await eventsOf(suite, 'order=asc');
  const calls = suite.callLogs();
  const eventsByStream = grouped(events, ({ stream }) => stream);
  // By booking, not by key: a key may be what is wrong.
  const callsByBooking = grouped(calls, ({ booking_id }) => booking_id);
  const found = bookings.flatMap(({ booking_id, workflow_id }) =>
    judge(
      workflow_id,
      eventsByStream.get(`workflow-${workflow_id}`) ?? [],
      callsByBooking.get(booking_id) ?? [],
    ),
  );
  return {
    violations: [...found, ...gaps(events), ...violations(invariants(calls))],
    events: events.length,
    calls: calls.length,
    answers_given_again: calls.filter(({ outcome }) => outcome === 'replayed').length,
  };
}

/** The log itself: positions without gaps, as far as they are read here in their order. */
function gaps(events: readonly StoredEvent[]): readonly string[] {
  return events.flatMap(({ position }, index) => {
    const before = events[index - 1]?.position ?? 0;
    return position === before + 1 ? [] : [`position ${position} follows ${before}`];
  });
}

export function grouped<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

export const countsOf = (statuses: ReadonlyMap<string, string>): string =>
  [...new Set(statuses.values())]
    .sort()
    .map((status) => `${[...statuses.values()].filter((one) => one === status).length} ${status}`)
    .join(', ');
