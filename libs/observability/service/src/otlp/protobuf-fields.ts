import type { Reader } from 'protobufjs/minimal';
import type { ReadBudget } from './read-budget';

/** A reader that reads so much of a request and no more. */
export type BudgetedReader = Reader & { readonly budget: ReadBudget };

/** How each field that is known is read into what is being made of its message, by its number. */
export type Fields<Into> = Readonly<Record<number, (reader: BudgetedReader, into: Into) => void>>;

const WIRE_TYPE_BITS = 3;
const WIRE_TYPE_MASK = 7;

/** Reads the fields of a message up to `end`; those that are not known are passed over. */
export function fieldsOf<Into>(
  reader: BudgetedReader,
  end: number,
  known: Fields<Into>,
  into: Into,
): Into {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const read = known[tag >>> WIRE_TYPE_BITS];
    if (read) read(reader, into);
    else reader.skipType(tag & WIRE_TYPE_MASK);
  }
  if (reader.pos !== end) throw new RangeError('a message is longer than it says');
  return into;
}

/** The same of a message within a message. */
export function messageOf<Into>(reader: BudgetedReader, known: Fields<Into>, into: Into): Into {
  reader.budget.takeParts(1);
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('a message is longer than what holds it');
  return fieldsOf(reader, end, known, into);
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A `fixed64`, exactly: a number would lose what is below 256 ns. */
export const nanosOf = (reader: Reader): bigint => {
  const low = BigInt(reader.fixed32());
  return (BigInt(reader.fixed32()) << 32n) | low;
};
