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

const hold: Operation = (book, input, id) => {
  const named = texts(input, 'booking_id', 'venue', 'date');
  if (isDecision(named)) return named;
  const { booking_id, venue, date } = named;
  const closed = closedBooking(book, booking_id, 'released');
  if (closed) return closed;
  const slot = `${venue} on ${date}`;
  const occupant = book.occupant(slot);
  if (occupant)
    return refused(409, 'date-taken', `${slot} is ${occupant.status} for ${occupant.booking_id}`);
  const details = { venue, date };
  return applied(201, { key: booking_id, booking_id, id, status: 'held', slot, details });
};

/** Moves a hold between `held` and `confirmed`. */
const move =
  (from: string, to: string): Operation =>
  (book, input) => {
    const named = texts(input, 'booking_id');
    if (isDecision(named)) return named;
    const { booking_id } = named;
    const standing = book.entry(booking_id);
    if (standing?.status === from) return applied(200, { ...standing, status: to });
    if (standing?.status === to || (standing && to === 'held'))
      return {
        outcome: 'nothing-to-do',
        status: 200,
        body: { booking_id, status: standing.status },
      };
    return to === 'held'
      ? { outcome: 'nothing-to-do', status: 200, body: { booking_id, status: 'unknown' } }
      : refused(409, 'not-held', `${booking_id} holds no venue`);
  };

/** Rents out venues: a venue on a date is held or confirmed for one booking at a time. */
export const venue: Participant = {
  name: 'venue',
  description: 'Holds and confirms venues for a date',
  capabilities: ['venue-booking'],
  operations: new Map([
    ['/holds', hold],
    ['/holds/release', undo('released')],
    ['/holds/confirm', move('held', 'confirmed')],
    ['/holds/unconfirm', move('confirmed', 'held')],
  ]),
};
