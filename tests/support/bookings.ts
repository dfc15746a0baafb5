import type { Suite } from './suite';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@downbeat/test-bench';

export interface Booking {
  readonly booking_id: string;
  readonly workflow_id: string;
}

export interface StoredEvent {
  readonly position: number;
  readonly stream: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly recorded_at: string;
}

const ENDED = ['completed', 'failed', 'compensated'];

/** Every third couple cannot pay, every seventh pays so much that it has a moment to think again. */
const contextOf = (booking_id: string, index: number) => ({
  booking: {
    booking_id,
    venue: `venue-${booking_id}`,
    date: '2027-06-05',
    guests: 60,
    menu: 'summer',
    deposit: index % 7 === 6 ? 12_000 : 2_500,
    card: index % 3 === 2 ? '4000-refused' : '4000-accepted',
    email: 'couple@example.com',
  },
});

/** What starts a booking. */
export const bookingRequest = (booking_id: string, index: number) => ({
  workflow_name: 'book-wedding',
  correlation_id: booking_id,
  initiating_service: 'end-to-end',
  context_data: contextOf(booking_id, index),
});

/** Starts bookings; asks again with the same key until each one has an outcome. */
export async function book(suite: Suite, prefix: string, count: number): Promise<Booking[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const booking_id = `${prefix}-${index}`;
      const request = bookingRequest(booking_id, index);
      const { body } = await eventually(
        () => suite.request<{ workflow_id: string }>('POST', '/workflows', request),
        ({ status }) => expect(status).toBe(202),
        60_000,
      );
      return { booking_id, workflow_id: body.workflow_id };
    }),
  );
}

/** What a start was told that the suite had no room for. */
export interface TurnedAway {
  readonly code: unknown;
  /** Seconds. */
  readonly retryAfter: number;
}

/** Turned away; or a machine too busy to say in time what became of the start. */
const LATER = [429, 503, 504];

/**
 * Starts one booking as a client should: with one key, and not before Retry-After.
 *
 * @param turnedAway Each 429 is added here.
 */
export async function bookPatiently(
  suite: Pick<Suite, 'request'>,
  request: ReturnType<typeof bookingRequest>,
  turnedAway: TurnedAway[],
  withinMs: number,
): Promise<Booking> {
  const booking_id = request.correlation_id;
  const key = { 'Idempotency-Key': booking_id };
  for (const begun = Date.now(); Date.now() - begun < withinMs;) {
    const { status, headers, body } = await suite.request('POST', '/workflows', request, key);
    if (status === 202) return { booking_id, workflow_id: String(body['workflow_id']) };
    if (!LATER.includes(status)) throw new Error(`${status}: ${JSON.stringify(body)}`);
    const retryAfter = Number(headers.get('Retry-After') ?? 1);
    if (status === 429) turnedAway.push({ code: body['code'], retryAfter });
    await pause(retryAfter * 1_000);
  }
  throw new Error(`${booking_id} found no room within ${withinMs} ms`);
}

/** Waits until each run has ended, and gives the statuses by booking. */
export async function ended(
  suite: Suite,
  bookings: readonly Booking[],
  withinMs = 60_000,
): Promise<ReadonlyMap<string, string>> {
  const statuses = new Map<string, string>();
  for (const { booking_id, workflow_id } of bookings) {
    const { workflow } = await eventually(
      () => suite.get<{ workflow: { current_status: string } }>(`/workflows/${workflow_id}/status`),
      (answer) => expect(ENDED).toContain(answer.workflow.current_status),
      withinMs,
    );
    statuses.set(booking_id, workflow.current_status);
  }
  return statuses;
}

/** All events of these types, in their order. */
export async function eventsOf(suite: Suite, query: string): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  let cursor: string | undefined;
  do {
    const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await suite.get<{ events: StoredEvent[]; next_cursor?: string }>(
      `/events?${query}&limit=1000${more}`,
    );
    events.push(...page.events);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return events;
}
