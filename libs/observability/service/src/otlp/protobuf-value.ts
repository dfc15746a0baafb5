import type { HandedAttribute } from '@downbeat/observability-domain';
import type { Json } from '@downbeat/eventsourcing';
import type { Reader } from 'protobufjs/minimal';
import { messageOf, type BudgetedReader, type Fields } from './protobuf-fields';

const DEPTH_MAX = 16;

interface KeyValue {
  name: string;
  value: Json;
  /** How deep its value is nested. */
  readonly depth: number;
}

const KEY_VALUE: Fields<KeyValue> = {
  1: (reader, into) => (into.name = reader.string()),
  2: (reader, into) => (into.value = anyValue(reader, into.depth)),
};

/** A KeyValue. */
export function keyValue(reader: BudgetedReader): HandedAttribute {
  const { name, value } = messageOf(reader, KEY_VALUE, { name: '', value: null, depth: 1 });
  return [name, asText(value)];
}

/** Values that are no text are written as JSON. */
export const asText = (value: Json): string =>
  typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);

interface AnyValue {
  value: Json;
  readonly depth: number;
}

/** Of an AnyValue; bytes are in base64, and integers that a number cannot hold are text. */
const ANY_VALUE: Fields<AnyValue> = {
  1: (reader, into) => (into.value = reader.string()),
  2: (reader, into) => (into.value = reader.bool()),
  3: (reader, into) => (into.value = integerOf(reader)),
  4: (reader, into) => (into.value = finite(reader.double())),
  5: (reader, into) => {
    const { values } = messageOf(reader, VALUES, { values: [], depth: into.depth + 1 });
    into.value = values;
  },
  6: (reader, into) => {
    const { members } = messageOf(reader, MEMBERS, { members: new Map(), depth: into.depth + 1 });
    into.value = Object.fromEntries(members);
  },
  7: (reader, into) => (into.value = Buffer.from(reader.bytes()).toString('base64')),
};

function anyValue(reader: BudgetedReader, depth: number): Json {
  if (depth > DEPTH_MAX) throw new RangeError(`a value is nested deeper than ${DEPTH_MAX}`);
  return messageOf(reader, ANY_VALUE, { value: null, depth }).value;
}

const VALUES: Fields<{ readonly values: Json[]; readonly depth: number }> = {
  1: (reader, { values, depth }) => values.push(anyValue(reader, depth)),
};

const MEMBERS: Fields<{ readonly members: Map<string, Json>; readonly depth: number }> = {
  1: (reader, { members, depth }) => {
    const { name, value } = messageOf(reader, KEY_VALUE, { name: '', value: null, depth });
    members.set(name, value);
  },
};

const SAFE = /^-?\d{1,15}$/;

function integerOf(reader: Reader): Json {
  const text = String(reader.int64());
  return SAFE.test(text) ? Number(text) : text;
}

const finite = (number: number): Json => (Number.isFinite(number) ? number : String(number));
