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

const book: Operation = (bookings, input, id) => {
  const named = texts(input, 'booking_id', 'date');
  if (isDecision(named)) return named;
  const { booking_id, date } = named;
  const closed = closedBooking(bookings, booking_id, 'cancelled');
  if (closed) return closed;
  const details = { date };
  // The agency finds somebody for every date; who is named can be in one place only.
  const { photographer } = input;
  if (typeof photographer !== 'string')
    return applied(201, { key: booking_id, booking_id, id, status: 'booked', details });
  const slot = `${photographer} on ${date}`;
  const occupant = bookings.occupant(slot);
  if (occupant) return refused(409, 'date-taken', `${slot} is booked for ${occupant.booking_id}`);
  return applied(201, {
    key: booking_id,
    booking_id,
    id,
    status: 'booked',
    slot,
    details: { ...details, photographer },
  });
};

/** An agency of photographers. */
export const photographer: Participant = {
  name: 'photographer',
  description: 'Books photographers for a date',
  capabilities: ['photography'],
  operations: new Map([
    ['/bookings', book],
    ['/bookings/cancel', undo('cancelled')],
  ]),
};
