import { participants } from './all-participants';
import type { Decision, Entry, Input, ParticipantName } from './participant';

/** Makes the calls one after the other and returns the decisions; a decision's entry is kept. */
function play(
  service: ParticipantName,
  ...calls: readonly (readonly [string, Input])[]
): Decision[] {
  const entries = new Map<string, Entry>();
  const book = {
    entry: (key: string) => entries.get(key),
    occupant: (slot: string) => [...entries.values()].find((entry) => entry.slot === slot),
  };
  return calls.map(([operation, input], index) => {
    const decide = participants[service].operations.get(operation);
    if (!decide) throw new Error(`no ${operation}`);
    const decision = decide(book, input, `id-${index}`);
    if (decision.entry) entries.set(decision.entry.key, decision.entry);
    return decision;
  });
}

const last = (...calls: Parameters<typeof play>): Decision | undefined => play(...calls).at(-1);

const wish = (booking_id: string, date = '2026-06-01') => ({ booking_id, venue: 'hall', date });
const of = (booking_id: string) => ({ booking_id });

describe('the venue', () => {
  it('holds a venue on a date once', () => {
    expect(last('venue', ['/holds', wish('a')])).toMatchObject({ outcome: 'applied', status: 201 });
    expect(last('venue', ['/holds', wish('a')], ['/holds', wish('b')])).toMatchObject({
      status: 409,
      body: { code: 'date-taken' },
    });
    expect(last('venue', ['/holds', wish('a')], ['/holds', wish('b', '2026-06-02')])?.status).toBe(
      201,
    );
  });

  it('does not hold twice for one booking', () =>
    expect(last('venue', ['/holds', wish('a')], ['/holds', wish('a', '2026-06-02')])).toMatchObject(
      {
        status: 409,
        body: { code: 'already-done' },
      },
    ));

  it('gives a released venue to the next', () =>
    expect(
      last('venue', ['/holds', wish('a')], ['/holds/release', of('a')], ['/holds', wish('b')])
        ?.status,
    ).toBe(201));

  it('keeps a confirmed venue from others, and an unconfirmed one too', () => {
    const confirmed = [
      ['/holds', wish('a')],
      ['/holds/confirm', of('a')],
    ] as const;
    expect(last('venue', ...confirmed, ['/holds', wish('b')])?.status).toBe(409);
    expect(
      last('venue', ...confirmed, ['/holds/unconfirm', of('a')], ['/holds', wish('b')])?.status,
    ).toBe(409);
    expect(last('venue', ...confirmed, ['/holds/unconfirm', of('a')])).toMatchObject({
      entry: { status: 'held' },
    });
  });

  it('confirms only what is held', () => {
    expect(last('venue', ['/holds/confirm', of('a')])?.status).toBe(409);
    expect(
      last('venue', ['/holds', wish('a')], ['/holds/release', of('a')], ['/holds/confirm', of('a')])
        ?.status,
    ).toBe(409);
    expect(
      last('venue', ['/holds', wish('a')], ['/holds/confirm', of('a')], ['/holds/confirm', of('a')])
        ?.outcome,
    ).toBe('nothing-to-do');
  });

  it.each(['booking_id', 'venue', 'date'])('needs %s', (field) =>
    expect(last('venue', ['/holds', { ...wish('a'), [field]: undefined }])).toMatchObject({
      status: 400,
      body: { detail: `${field} must be a text` },
    }),
  );
});

describe('the payment', () => {
  const pay = (amount: unknown, card = '4000-accepted') => ({ booking_id: 'a', amount, card });
  it.each([
    [2_500, '4000-accepted', 201],
    [50_000, '4000-accepted', 201],
    [50_001, '4000-accepted', 402],
    [1_000, '4000-limit-1000', 201],
    [1_000.5, '4000-limit-1000', 402],
    [1, '4000-refused', 402],
    [0, '4000-accepted', 400],
    [-1, '4000-accepted', 400],
    ['100', '4000-accepted', 400],
    [Number.NaN, '4000-accepted', 400],
  ])('of %p from %s is answered %d', (amount, card, status) =>
    expect(last('payment', ['/deposits', pay(amount, card)])?.status).toBe(status),
  );
});

describe('catering', () => {
  it.each([
    [1, 201],
    [1_000, 201],
    [1_001, 409],
    [0, 400],
    [1.5, 400],
    [undefined, 400],
  ])('for %p guests is answered %d', (guests, status) =>
    expect(last('catering', ['/orders', { ...wish('a'), menu: 'summer', guests }])?.status).toBe(
      status,
    ),
  );
});

describe('the photographer', () => {
  it('is in one place at a time when named', () => {
    const ask = (booking_id: string, photographer?: string) =>
      ['/bookings', { booking_id, date: '2026-06-01', photographer }] as const;
    expect(last('photographer', ask('a', 'Ada'), ask('b', 'Ada'))?.status).toBe(409);
    expect(last('photographer', ask('a', 'Ada'), ask('b', 'Ben'), ask('c'), ask('d'))?.status).toBe(
      201,
    );
  });
});

describe('every undo', () => {
  const pairs = [
    ['venue', '/holds', '/holds/release', wish('a')],
    ['catering', '/orders', '/orders/cancel', { ...wish('a'), menu: 'summer', guests: 80 }],
    ['photographer', '/bookings', '/bookings/cancel', wish('a')],
    [
      'payment',
      '/deposits',
      '/deposits/refund',
      { booking_id: 'a', amount: 10, card: '4000-accepted' },
    ],
    [
      'notification',
      '/messages',
      '/messages/retract',
      { booking_id: 'a', to: 'x@example.com', template: 'booked' },
    ],
  ] as const;

  it.each(pairs)('of %s %s undoes it once', (service, operation, undo, input) => {
    const outcomes = play(service, [operation, input], [undo, input], [undo, input]).map(
      ({ outcome }) => outcome,
    );
    expect(outcomes).toEqual(['applied', 'applied', 'nothing-to-do']);
  });

  it.each(pairs)(
    'of %s %s succeeds when there is nothing, and closes the booking',
    (service, operation, undo, input) => {
      const [undone, late] = play(service, [undo, input], [operation, input]);
      expect(undone).toMatchObject({ outcome: 'nothing-to-do', status: 200 });
      expect(late).toMatchObject({
        outcome: 'refused',
        status: 409,
        body: { code: 'undone-before' },
      });
    },
  );

  it.each(pairs)('of %s needs a booking', (service, _, undo) =>
    expect(last(service, [undo, {}])?.status).toBe(400),
  );
});
