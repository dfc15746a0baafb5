import type { CallRecord } from './call-log';
import type { Entry, ParticipantName } from './participant';

/** Violations, one sentence each; empty lists are what everybody wants to see. */
export interface Invariants {
  /** A venue on a date stood for two bookings at the same time. */
  readonly double_bookings: readonly string[];
  /** A deposit stays captured for a booking that has no venue. */
  readonly captured_without_venue: readonly string[];
  /** A venue stays held for a booking that ended, or confirmed for one that did not pay. */
  readonly holds_leaked: readonly string[];
  /** One key had its effect more than once. */
  readonly effects_repeated: readonly string[];
}

/**
 * Judges what the participants did from their own logs alone.
 *
 * @param logs  The records of any number of participants, each participant's in their order.
 * @param ended The bookings whose runs have ended: what stands for the others may still be undone.
 *              Default: all of them.
 */
export function invariants(logs: readonly CallRecord[], ended?: ReadonlySet<string>): Invariants {
  const venues = lastEntries(logs, 'venue');
  const payments = lastEntries(logs, 'payment');
  const hasEnded = ({ booking_id }: Entry): boolean => ended?.has(booking_id) ?? true;
  const isCaptured = (bookingId: string): boolean => payments.get(bookingId)?.status === 'captured';

  return {
    double_bookings: doubleBookings(logs),
    captured_without_venue: [...payments.values()]
      .filter((entry) => hasEnded(entry) && entry.status === 'captured')
      .filter(({ booking_id }) => !isStanding(venues.get(booking_id)))
      .map(({ booking_id }) => `${booking_id} has paid and has no venue`),
    holds_leaked: [...venues.values()].filter(hasEnded).flatMap(({ booking_id, status, slot }) => {
      if (status === 'held') return [`${slot} is still held for ${booking_id}`];
      if (status !== 'confirmed' || isCaptured(booking_id)) return [];
      return [`${slot} is confirmed for ${booking_id}, which has not paid`];
    }),
    effects_repeated: repeatedEffects(logs),
  };
}

export const violations = (found: Invariants): readonly string[] => Object.values(found).flat();

const isStanding = (entry: Entry | undefined): boolean =>
  entry?.status === 'held' || entry?.status === 'confirmed';

/** The last state of each entry, by its key. */
function lastEntries(
  logs: readonly CallRecord[],
  service: ParticipantName,
): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const record of logs)
    if (record.service === service && record.entry) entries.set(record.entry.key, record.entry);
  return entries;
}

function doubleBookings(logs: readonly CallRecord[]): readonly string[] {
  const found: string[] = [];
  const occupants = new Map<string, string>();
  const slots = new Map<string, string>();
  for (const { service, entry } of logs) {
    if (service !== 'venue' || !entry) continue;
    const before = slots.get(entry.key);
    if (before !== undefined && occupants.get(before) === entry.key) occupants.delete(before);
    if (entry.slot === undefined) continue;
    const occupant = occupants.get(entry.slot);
    if (occupant !== undefined) found.push(`${entry.slot} stands for ${occupant} and ${entry.key}`);
    occupants.set(entry.slot, entry.key);
    slots.set(entry.key, entry.slot);
  }
  return found;
}

function repeatedEffects(logs: readonly CallRecord[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { service, operation, key, outcome } of logs) {
    if (outcome !== 'applied') continue;
    const effect = `${service} ${operation} with key ${key}`;
    counts.set(effect, (counts.get(effect) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([effect, count]) => `${effect}: ${count} times`);
}
