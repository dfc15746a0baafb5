import { bookingRequest, bookPatiently, type TurnedAway } from './bookings';
import type { Answer } from './suite';

const answer = (status: number, body: Answer['body'] = {}, retryAfter = '0.001'): Answer => ({
  ...{ status, body },
  headers: new Headers({ 'Retry-After': retryAfter }),
});

describe('a patient client', () => {
  let turnedAway: TurnedAway[];
  let keys: unknown[];
  beforeEach(() => {
    [turnedAway, keys] = [[], []];
  });
  const booked = (answers: readonly Answer[], withinMs = 60_000) => {
    const left = [...answers];
    const request = async (_: string, __: string, body: unknown, headers: unknown) => {
      keys.push([(body as { correlation_id: string }).correlation_id, headers]);
      return left.length > 1 ? left.shift() : left[0];
    };
    const suite = { request } as unknown as Parameters<typeof bookPatiently>[0];
    return bookPatiently(suite, bookingRequest('b-1', 0), turnedAway, withinMs);
  };
  const accepted = answer(202, { workflow_id: 'w-1' });
  const full = answer(429, { code: 'overloaded' });

  it('comes again with the same key until there is room, and says how it was turned away', async () => {
    expect(await booked([full, full, accepted])).toEqual({ booking_id: 'b-1', workflow_id: 'w-1' });
    const told = { code: 'overloaded', retryAfter: 0.001 };
    expect(turnedAway).toEqual([told, told]);
    expect(keys).toEqual(Array(3).fill(['b-1', { 'Idempotency-Key': 'b-1' }]));
  });

  it.each([503, 504])('comes again after %i too, which turns nobody away', async (status) => {
    expect(await booked([answer(status), full, accepted])).toMatchObject({ workflow_id: 'w-1' });
    expect(turnedAway).toHaveLength(1);
    expect(keys).toHaveLength(3);
  });

  it('gives up after a time, and at once when it is refused for another reason', async () => {
    await expect(booked([full], 50)).rejects.toThrow('b-1 found no room within 50 ms');
    await expect(booked([answer(409, { code: 'x' })])).rejects.toThrow('409: {"code":"x"}');
  });
});
