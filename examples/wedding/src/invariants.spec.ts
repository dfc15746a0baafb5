import type { CallRecord } from './call-log';
import { invariants, violations } from './invariants';
import type { Entry, ParticipantName } from './participant';

let seq = 0;
const call = (
  service: ParticipantName,
  operation: string,
  booking_id: string,
  status: string,
  slot?: string,
): CallRecord => {
  const entry: Entry = {
    key: booking_id,
    booking_id,
    id: `${service}-${booking_id}`,
    status,
    ...(slot !== undefined && { slot }),
    details: {},
  };
  return {
    service,
    seq: ++seq,
    at: '2026-03-01T09:30:00.000Z',
    monotonic_ns: String(seq),
    operation,
    key: `${booking_id}:${operation}`,
    booking_id,
    outcome: 'applied',
    status: 201,
    input: { booking_id },
    entry,
  };
};

const hall = 'hall on 2026-06-01';
const hold = (id: string, slot = hall) => call('venue', '/holds', id, 'held', slot);
const confirm = (id: string, slot = hall) => call('venue', '/holds/confirm', id, 'confirmed', slot);
const release = (id: string) => call('venue', '/holds/release', id, 'released');
const capture = (id: string) => call('payment', '/deposits', id, 'captured');
const refund = (id: string) => call('payment', '/deposits/refund', id, 'refunded');

describe('the invariants of a wedding', () => {
  it('hold for a booking that succeeded and one that was undone', () => {
    const logs = [
      hold('a'),
      capture('a'),
      confirm('a'),
      hold('b', 'barn'),
      capture('b'),
      refund('b'),
      release('b'),
    ];
    expect(violations(invariants(logs))).toEqual([]);
  });

  it('hold when a venue is given on after its release', () => {
    const logs = [hold('a'), release('a'), hold('b'), confirm('b'), capture('b')];
    expect(violations(invariants(logs))).toEqual([]);
  });

  it('are violated by a venue that stands for two', () => {
    const logs = [hold('a'), hold('b'), release('a'), release('b')];
    expect(invariants(logs)).toEqual({
      double_bookings: ['hall on 2026-06-01 stands for a and b'],
      captured_without_venue: [],
      holds_leaked: [],
      effects_repeated: [],
    });
  });

  it.each([
    ['was never held', [capture('a')]],
    ['was released', [hold('a'), capture('a'), confirm('a'), release('a')]],
  ])('are violated by a deposit for a venue that %s', (_, logs) =>
    expect(invariants(logs)).toEqual({
      double_bookings: [],
      captured_without_venue: ['a has paid and has no venue'],
      holds_leaked: [],
      effects_repeated: [],
    }),
  );

  it('are violated by a hold that nobody released', () => {
    expect(invariants([hold('a'), capture('a'), refund('a')])).toEqual({
      double_bookings: [],
      captured_without_venue: [],
      holds_leaked: ['hall on 2026-06-01 is still held for a'],
      effects_repeated: [],
    });
  });

  it('are violated by a venue confirmed without a deposit', () => {
    expect(invariants([hold('a'), confirm('a')]).holds_leaked).toEqual([
      'hall on 2026-06-01 is confirmed for a, which has not paid',
    ]);
  });

  it('are violated by a key that had its effect twice', () => {
    const once = capture('a');
    const logs = [hold('a'), once, confirm('a'), once];
    expect(invariants(logs)).toEqual({
      double_bookings: [],
      captured_without_venue: [],
      holds_leaked: [],
      effects_repeated: ['payment /deposits with key a:/deposits: 2 times'],
    });
  });

  it('wait for the bookings that have not ended', () => {
    const logs = [hold('a'), capture('b')];
    expect(violations(invariants(logs, new Set()))).toEqual([]);
    expect(violations(invariants(logs, new Set(['a', 'b'])))).toHaveLength(2);
  });
});
