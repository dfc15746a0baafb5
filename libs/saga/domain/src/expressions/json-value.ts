import type { Json } from '@downbeat/eventsourcing';
import { FORBIDDEN_KEYS, type Evaluated } from './scope';

const NODES_MAX = 10_000;
const CHARACTERS_MAX = 262_144;
const DEPTH_MAX = 32;

class NotJson extends Error {}

/**
 * A CEL value as JSON: integers become numbers, timestamps ISO text. Refuses what JSON cannot say
 * (NaN, bytes, types), integers beyond 2^53, and results that are too large.
 */
export function jsonOf(value: unknown): Evaluated<Json> {
  if (typeof value === 'boolean') return { ok: true, value };
  const budget = { nodes: NODES_MAX, characters: CHARACTERS_MAX };
  try {
    return { ok: true, value: convert(value, budget, DEPTH_MAX) };
  } catch (fault) {
    if (!(fault instanceof NotJson)) throw fault;
    return { ok: false, message: fault.message };
  }
}

type Budget = { nodes: number; characters: number };

function convert(value: unknown, budget: Budget, depth: number): Json {
  if (--budget.nodes < 0 || depth < 0) throw new NotJson('the result is too large');
  if (typeof value === 'object') return value && convertObject(value, budget, depth);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    budget.characters -= value.length;
    if (budget.characters < 0) throw new NotJson('the result is too large');
    return value;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson(`${value} is not a JSON number`);
    return value;
  }
  if (typeof value === 'bigint') return safeInteger(value);
  throw new NotJson('the result is not JSON');
}

function convertObject(value: object, budget: Budget, depth: number): Json {
  if (Array.isArray(value)) return value.map((item) => convert(item, budget, depth - 1));
  if (value instanceof Date) return instantText(value);
  if (value instanceof Map) return convertEntries(value.entries(), budget, depth);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || Object.hasOwn(prototype, 'isPrototypeOf'))
    return convertEntries(Object.entries(value), budget, depth);
  const primitive: unknown = value.valueOf();
  if (typeof primitive === 'bigint') return safeInteger(primitive);
  throw new NotJson('the result is not JSON');
}

function convertEntries(
  entries: Iterable<readonly [unknown, unknown]>,
  budget: Budget,
  depth: number,
): Json {
  const result: Record<string, Json> = {};
  for (const [key, inner] of entries) {
    const name = String(key);
    if (FORBIDDEN_KEYS.has(name)) throw new NotJson(`${name} cannot be a key`);
    if (inner === undefined) continue;
    budget.characters -= name.length;
    result[name] = convert(inner, budget, depth - 1);
  }
  return result;
}

function safeInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new NotJson(`${value} is too large for a JSON number`);
  return number;
}

function instantText(value: Date): string {
  if (Number.isNaN(value.getTime())) throw new NotJson('the timestamp is not valid');
  return value.toISOString();
}
