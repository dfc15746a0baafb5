import { Complaint, eventually } from './engine.mjs';

const MINUTE = 60_000;
const BOOKINGS_MAX = 1_000;
const ENDED = new Set(['completed', 'failed', 'compensated']);

/** What the check asks of the gateway. */
export class Gateway {
  constructor(url) {
    this.url = url;
  }

  async ask(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Complaint(`${method} ${path}: HTTP ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Starts bookings side by side. */
  book(prefix, count) {
    return Promise.all(
      Array.from({ length: count }, (_, index) =>
        // A large deposit waits a moment before it is captured.
        this.bookOne(`${prefix}-${index}`, index % 3 === 2, index % 7 === 6 ? 12_000 : 2_500),
      ),
    );
  }

  /** Starts a booking ten times a second, each under way for a second at least. */
  keepBooking(prefix) {
    const bookings = [];
    const timer = setInterval(() => {
      const index = bookings.length;
      if (index >= BOOKINGS_MAX) return;
      const booking = this.bookOne(`${prefix}-${index}`, index % 3 === 2, 12_000);
      // Whether it fails is asked at the end; until then nobody listens.
      booking.catch(() => undefined);
      bookings.push(booking);
    }, 100);
    return {
      stop: () => {
        clearInterval(timer);
        return Promise.all(bookings);
      },
    };
  }

  /** Returns when some run has begun and not ended. */
  async aRunIsUnderWay() {
    await eventually(
      'a run under way',
      MINUTE,
      async () => {
        const { workflows } = await this.ask('GET', '/api/orchestration/workflows?limit=50');
        return workflows.some(({ current_status }) => !ENDED.has(current_status)) || undefined;
      },
      20,
    );
  }

  /** Asks again with the same key until it is accepted. */
  async bookOne(booking_id, isRefused, deposit) {
    const request = {
      workflow_name: 'book-wedding',
      correlation_id: booking_id,
      initiating_service: 'compose-check',
      context_data: {
        booking: {
          booking_id,
          venue: `venue-${booking_id}`,
          date: '2027-06-05',
          guests: 60,
          menu: 'summer',
          deposit,
          card: isRefused ? '4000-refused' : '4000-accepted',
          email: 'couple@example.com',
        },
      },
    };
    const key = { 'idempotency-key': `${booking_id}-start` };
    const { workflow_id } = await eventually(`acceptance of ${booking_id}`, 2 * MINUTE, () =>
      this.ask('POST', '/api/orchestration/workflows', request, key),
    );
    return { booking_id, workflow_id, expected: isRefused ? 'compensated' : 'completed' };
  }

  /**
   * Waits for the end of every booking.
   *
   * @returns When each run began and ended, in milliseconds. @throws {Complaint} One ended in another way.
   */
  async allEnd(bookings, withinMs) {
    const spans = [];
    for (const { booking_id, workflow_id, expected } of bookings) {
      const run = await eventually(`the end of ${booking_id}`, withinMs, async () => {
        const path = `/api/orchestration/workflows/${workflow_id}/status`;
        const { workflow } = await this.ask('GET', path);
        return ENDED.has(workflow.current_status) ? workflow : undefined;
      });
      const { current_status, started_at, completed_at } = run;
      if (current_status !== expected)
        throw new Complaint(`${booking_id} is ${current_status}, not ${expected}`);
      spans.push({ from: Date.parse(started_at), to: Date.parse(completed_at) });
    }
    return spans;
  }
}

/** Runs in the container of a participant: judges by the participants' own logs alone. */
export const JUDGE = `
  const { readFileSync } = require('node:fs');
  const wedding = require('/app/examples/wedding/dist/index.js');
  const logs = wedding.PARTICIPANT_NAMES.flatMap((name) =>
    wedding.parseCallLog(readFileSync(wedding.callLogFile(process.env.DOWNBEAT_DATA_DIR, name), 'utf8')));
  const found = wedding.violations(wedding.invariants(logs));
  console.log(JSON.stringify({ calls: logs.length, found }));`;
