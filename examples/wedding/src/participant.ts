/** What a call carries; anything JSON. */
export type Input = Readonly<Record<string, unknown>>;

/** One thing a participant keeps for a booking: a hold, an order, a payment. */
export interface Entry {
  /** The booking it belongs to, and for messages their template: one entry a key. */
  readonly key: string;
  readonly booking_id: string;
  readonly id: string;
  /** `held`, `confirmed`, `released` and so on; the participant's own words. */
  readonly status: string;
  /** What no two standing entries may share: a venue on a date. */
  readonly slot?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What became of a call: it had an effect, there was nothing to do, or a rule said no. */
export interface Decision {
  readonly outcome: 'applied' | 'nothing-to-do' | 'refused';
  /** HTTP status of the answer. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The entry as it is from now on. */
  readonly entry?: Entry;
}

/** What a participant may look at to decide. */
export interface Book {
  entry(key: string): Entry | undefined;
  /** The standing entry that occupies the slot. */
  occupant(slot: string): Entry | undefined;
}

/** Pure: the book and the input in, what should become of it out. `id` is a new identifier. */
export type Operation = (book: Book, input: Input, id: string) => Decision;

export interface Participant {
  readonly name: ParticipantName;
  readonly description: string;
  readonly capabilities: readonly string[];
  /** By path: `/holds`, `/holds/release`. */
  readonly operations: ReadonlyMap<string, Operation>;
}

export const PARTICIPANT_NAMES = [
  'venue',
  'catering',
  'photographer',
  'payment',
  'notification',
] as const;
export type ParticipantName = (typeof PARTICIPANT_NAMES)[number];

export const applied = (status: number, entry: Entry): Decision => ({
  outcome: 'applied',
  status,
  body: { ...entry.details, id: entry.id, booking_id: entry.booking_id, status: entry.status },
  entry,
});

export const refused = (status: number, code: string, detail: string): Decision => ({
  outcome: 'refused',
  status,
  body: { code, detail },
});

/** @returns The fields, or a 400 that names the first one that is not a line of text. */
export function texts<Field extends string>(
  input: Input,
  ...fields: readonly Field[]
): Readonly<Record<Field, string>> | Decision {
  const missing = fields.find((field) => typeof input[field] !== 'string' || input[field] === '');
  return missing === undefined
    ? (input as Record<Field, string>)
    : refused(400, 'invalid-input', `${missing} must be a text`);
}

export const isDecision = (value: object): value is Decision =>
  'outcome' in value && 'status' in value && 'body' in value;

/**
 * The undo of an effect, by booking. Undoing what never happened is a success, and is remembered:
 * a request that was overtaken by its own undo finds the booking closed and has no effect.
 *
 * @see Helland, "Life beyond Distributed Transactions": tentative operations must tolerate a
 *      cancellation that arrives first.
 */
export const undo =
  (status: string, keyOf: (input: Input) => string = bookingOf): Operation =>
  (book, input, id) => {
    const named = texts(input, 'booking_id');
    if (isDecision(named)) return named;
    const { booking_id } = named;
    const key = keyOf(input);
    const standing = book.entry(key);
    if (standing?.status === status)
      return { outcome: 'nothing-to-do', status: 200, body: { booking_id, status } };
    const { slot: _, ...entry } = standing ?? { key, booking_id, id, details: {} };
    const undone: Entry = { ...entry, status };
    return standing
      ? applied(200, undone)
      : {
          outcome: 'nothing-to-do',
          status: 200,
          body: { booking_id, status },
          entry: undone,
        };
  };

export const bookingOf = (input: Input): string => String(input['booking_id']);

/** Refuses a second effect for a booking, and any effect after its undo. */
export function closedBooking(book: Book, key: string, undone: string): Decision | undefined {
  const standing = book.entry(key);
  if (!standing) return undefined;
  return standing.status === undone
    ? refused(409, 'undone-before', `${key} was ${undone} before this request arrived`)
    : refused(409, 'already-done', `${key} is ${standing.status} already`);
}
