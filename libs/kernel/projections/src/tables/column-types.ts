import type { Json } from '@downbeat/eventsourcing';
import type { ColumnType as EntityColumnType } from 'typeorm';
import type { ColumnType } from '../projection';

/** One column type in each of the places it has to agree: SQL, the entity, and a row in memory. */
export interface ColumnKind {
  readonly sql: string;
  /** How a row arrives in `json_to_recordset`; `json` comes as text, so that its bytes stay as they are. */
  readonly recordset: string;
  readonly entity: EntityColumnType;
  /** The value as Postgres would give it back. @throws {TypeError} It does not fit. */
  readonly fit: (value: unknown) => unknown;
}

const unstorable = /[\0\p{Surrogate}]/u;

/** False for text that Postgres refuses: NUL, or half of a surrogate pair. */
export const isStorable = (text: string): boolean => !unstorable.test(text);

/** Text is ordered by bytes everywhere, so that pages and hashes do not depend on a machine's locale. */
export const columnKinds: Readonly<Record<ColumnType, ColumnKind>> = {
  text: { sql: 'text collate "C"', recordset: 'text', entity: 'text', fit: fitText },
  bigint: { sql: 'bigint', recordset: 'bigint', entity: 'bigint', fit: fitInteger },
  double: {
    sql: 'double precision',
    recordset: 'double precision',
    entity: 'double precision',
    fit: fitDouble,
  },
  boolean: { sql: 'boolean', recordset: 'boolean', entity: 'boolean', fit: fitBoolean },
  instant: {
    sql: 'timestamptz',
    recordset: 'timestamptz',
    entity: 'timestamp with time zone',
    fit: fitInstant,
  },
  json: { sql: 'json', recordset: 'text', entity: 'json', fit: fitJson },
};

function fitText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`must be text, not ${kindOf(value)}`);
  if (!isStorable(value)) throw new TypeError('holds a character that Postgres cannot store');
  return value;
}

function fitInteger(value: unknown): number {
  if (!Number.isSafeInteger(value))
    throw new TypeError(`must be a whole number, not ${kindOf(value)}`);
  return Number(value) + 0;
}

function fitDouble(value: unknown): number {
  if (!Number.isFinite(value)) throw new TypeError(`must be a finite number, not ${kindOf(value)}`);
  // JSON has no negative zero.
  return Number(value) + 0;
}

function fitBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean')
    throw new TypeError(`must be true or false, not ${kindOf(value)}`);
  return value;
}

/** Events of one commit have one time: it is read once. */
const INSTANTS_MAX = 256;
const instants = new Map<string, string>();

function fitInstant(value: unknown): string {
  const known = typeof value === 'string' ? instants.get(value) : undefined;
  if (known !== undefined) return known;
  const fitted = isoOf(value);
  if (instants.size >= INSTANTS_MAX) instants.clear();
  instants.set(String(value), fitted);
  return fitted;
}

function isoOf(value: unknown): string {
  const time = typeof value === 'string' && /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new TypeError(`must be an ISO 8601 time, not ${kindOf(value)}`);
  return new Date(time).toISOString();
}

/** The same value when it is plain JSON already; a copy without `undefined` members otherwise. */
function fitJson(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return fitDouble(value);
    case 'object':
      if (value === null) return null;
      return Array.isArray(value) ? fitArray(value) : fitObject(value);
    case 'undefined':
    case 'function':
    case 'symbol':
    case 'bigint':
      throw new TypeError(`must be JSON, not ${kindOf(value)}`);
  }
}

function fitArray(value: readonly unknown[]): Json {
  const fitted = value.map(fitJson);
  return fitted.every((item, at) => Object.is(item, value[at])) ? (value as Json) : fitted;
}

function fitObject(value: object): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`must be JSON, not ${kindOf(value)}`);
  const entries = Object.entries(value);
  const fitted = entries
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => [name, fitJson(member)] as const);
  const isUnchanged =
    fitted.length === entries.length &&
    fitted.every(([, member], at) => Object.is(member, entries[at]?.[1]));
  return isUnchanged ? (value as Json) : Object.fromEntries(fitted);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : typeof value;
}
