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

const GUESTS_MAX = 1_000;

const order: Operation = (book, input, id) => {
  const named = texts(input, 'booking_id', 'date', 'menu');
  if (isDecision(named)) return named;
  const { booking_id, date, menu } = named;
  const guests = Number(input['guests']);
  if (!Number.isInteger(guests) || guests < 1)
    return refused(400, 'invalid-input', 'guests must be a whole number from 1');
  const closed = closedBooking(book, booking_id, 'cancelled');
  if (closed) return closed;
  if (guests > GUESTS_MAX)
    return refused(409, 'too-many-guests', `${guests} guests are more than ${GUESTS_MAX}`);
  const details = { date, menu, guests };
  return applied(201, { key: booking_id, booking_id, id, status: 'ordered', details });
};

/** Cooks for weddings of up to 1,000 guests. */
export const catering: Participant = {
  name: 'catering',
  description: 'Takes orders for menus',
  capabilities: ['catering'],
  operations: new Map([
    ['/orders', order],
    ['/orders/cancel', undo('cancelled')],
  ]),
};
