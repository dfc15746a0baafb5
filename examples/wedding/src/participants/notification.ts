import {
  applied,
  bookingOf,
  closedBooking,
  isDecision,
  texts,
  undo,
  type Input,
  type Operation,
  type Participant,
} from '../participant';

const keyOf = (input: Input): string => `${bookingOf(input)} ${String(input['template'])}`;

const send: Operation = (book, input, id) => {
  const named = texts(input, 'booking_id', 'to', 'template');
  if (isDecision(named)) return named;
  const { booking_id, to, template } = named;
  const key = keyOf(input);
  const closed = closedBooking(book, key, 'retracted');
  if (closed) return closed;
  return applied(201, { key, booking_id, id, status: 'sent', details: { to, template } });
};

/** Sends messages, and corrections to them. */
export const notification: Participant = {
  name: 'notification',
  description: 'Sends messages to the couple',
  capabilities: ['notification'],
  operations: new Map([
    ['/messages', send],
    ['/messages/retract', undo('retracted', keyOf)],
  ]),
};
