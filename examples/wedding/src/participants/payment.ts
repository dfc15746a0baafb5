import {
  applied,
  closedBooking,
  isDecision,
  refused,
  texts,
  undo,
  type Operation,
  type Participant,
} from '../participant';

const LIMIT_DEFAULT = 50_000;

/** `4000-refused` pays nothing, `4000-limit-1000` up to 1,000, every other card up to 50,000. */
function limitOf(card: string): number {
  if (card === '4000-refused') return 0;
  const limit = /^4000-limit-(\d{1,9})$/.exec(card)?.[1];
  return limit === undefined ? LIMIT_DEFAULT : Number(limit);
}

const capture: Operation = (book, input, id) => {
  const named = texts(input, 'booking_id', 'card');
  if (isDecision(named)) return named;
  const { booking_id, card } = named;
  const { amount } = input;
  if (typeof amount !== 'number' || !(amount > 0) || !Number.isFinite(amount))
    return refused(400, 'invalid-input', 'amount must be a number above 0');
  const closed = closedBooking(book, booking_id, 'refunded');
  if (closed) return closed;
  if (amount > limitOf(card))
    return refused(402, 'card-refused', `the card ${card} does not cover ${amount}`);
  const details = { amount, card };
  return applied(201, { key: booking_id, booking_id, id, status: 'captured', details });
};

/** Captures deposits from cards. */
export const payment: Participant = {
  name: 'payment',
  description: 'Captures and refunds deposits',
  capabilities: ['payment'],
  operations: new Map([
    ['/deposits', capture],
    ['/deposits/refund', undo('refunded')],
  ]),
};
