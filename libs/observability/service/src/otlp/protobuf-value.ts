import type { HandedAttribute } from '@downbeat/observability-domain';
import type { Json } from '@downbeat/eventsourcing';
import type { Reader } from 'protobufjs/minimal';
import { messageOf, type BudgetedReader } from './protobuf-fields';

const DEPTH_MAX = 16;

/** A KeyValue. */
export function keyValue(reader: BudgetedReader): HandedAttribute {
  let name = '';
  let value: Json = null;
  messageOf(reader, {
    1: () => (name = reader.string()),
    2: () => (value = anyValue(reader, 1)),
  });
  return [name, asText(value)];
}

/** Values that are no text are written as JSON. */
export const asText = (value: Json): string =>
  typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);

/** An AnyValue; bytes are in base64, and integers that a number cannot hold are text. */
function anyValue(reader: BudgetedReader, depth: number): Json {
  if (depth > DEPTH_MAX) throw new RangeError(`a value is nested deeper than ${DEPTH_MAX}`);
  let value: Json = null;
  messageOf(reader, {
    1: () => (value = reader.string()),
    2: () => (value = reader.bool()),
    3: () => (value = integerOf(reader)),
    4: () => (value = finite(reader.double())),
    5: () => (value = arrayOf(reader, depth)),
    6: () => (value = objectOf(reader, depth)),
    7: () => (value = Buffer.from(reader.bytes()).toString('base64')),
  });
  return value;
}

function arrayOf(reader: BudgetedReader, depth: number): Json {
  const values: Json[] = [];
  messageOf(reader, { 1: () => values.push(anyValue(reader, depth + 1)) });
  return values;
}

function objectOf(reader: BudgetedReader, depth: number): Json {
  const members = new Map<string, Json>();
  messageOf(reader, {
    1: () => {
      let name = '';
      let value: Json = null;
      messageOf(reader, {
        1: () => (name = reader.string()),
        2: () => (value = anyValue(reader, depth + 1)),
      });
      members.set(name, value);
    },
  });
  return Object.fromEntries(members);
}

const SAFE = /^-?\d{1,15}$/;

function integerOf(reader: Reader): Json {
  const text = String(reader.int64());
  return SAFE.test(text) ? Number(text) : text;
}

const finite = (number: number): Json => (Number.isFinite(number) ? number : String(number));
