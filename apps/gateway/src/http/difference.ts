import type { Json } from '@downbeat/eventsourcing';

/** One place that is not the same at two moments. */
export interface Change {
  readonly kind: 'added' | 'removed' | 'changed';
  /** JSON pointer (RFC 6901) into the later answer; of what was removed, into the earlier one. */
  readonly path: string;
  /** The innermost list item that it is in, by what tells it from the others. */
  readonly item?: Readonly<Record<string, Json>>;
  readonly before?: Json;
  readonly after?: Json;
}

export interface Changes {
  readonly changes: readonly Change[];
  /** There are more than are shown. */
  readonly isCut: boolean;
}

export const CHANGES_MAX = 1_000;
const DEPTH_MAX = 32;

type Value = Json | undefined;
type JsonRecord = Readonly<Record<string, Json>>;

/**
 * What was added, removed and changed between two answers. Items of lists are the same item when an
 * id of theirs is the same, wherever they stand; items without one are compared place by place.
 */
export function differenceOf(before: Value, after: Value, changesMax = CHANGES_MAX): Changes {
  const changes: Change[] = [];
  for (const change of changesIn(before, after, { path: '', depth: 0 })) {
    if (changes.length === changesMax) return { changes, isCut: true };
    changes.push(change);
  }
  return { changes, isCut: false };
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly item?: JsonRecord;
  /** The list that it is, by its name. */
  readonly name?: string;
}

function* changesIn(before: Value, after: Value, place: Place): Generator<Change> {
  if (before === after) return;
  const { path, item } = place;
  const where = { path, ...(item && { item }) };
  if (before === undefined) yield { kind: 'added', ...where, after: after as Json };
  else if (after === undefined) yield { kind: 'removed', ...where, before };
  else if (place.depth < DEPTH_MAX && isList(before) && isList(after))
    yield* changesInList(before, after, place);
  else if (place.depth < DEPTH_MAX && isRecord(before) && isRecord(after))
    yield* changesInRecord(before, after, place);
  else if (JSON.stringify(before) !== JSON.stringify(after))
    yield { kind: 'changed', ...where, before, after };
}

function* changesInRecord(before: JsonRecord, after: JsonRecord, place: Place): Generator<Change> {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield* changesIn(own(before, name), own(after, name), {
      ...within(place, name),
      name,
    });
}

function* changesInList(
  before: readonly Json[],
  after: readonly Json[],
  place: Place,
): Generator<Change> {
  const id = identityOf(before, after, place.name);
  if (id === undefined) {
    for (let at = 0; at < Math.max(before.length, after.length); at++)
      yield* changesIn(before[at], after[at], within(place, at));
    return;
  }
  const keyOf = (item: Json): Json => (item as JsonRecord)[id] ?? null;
  const then = new Map(before.map((item, at) => [keyOf(item), { item, at }]));
  const itemAt = (at: number, key: Json): Place => ({
    ...within(place, at),
    item: { [id]: key },
  });
  for (const [at, item] of after.entries()) {
    const key = keyOf(item);
    yield* changesIn(then.get(key)?.item, item, itemAt(at, key));
    then.delete(key);
  }
  for (const [key, { item, at }] of then) yield* changesIn(item, undefined, itemAt(at, key));
}

const within = ({ path, depth, item }: Place, name: string | number): Place => ({
  path: `${path}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`,
  depth: depth + 1,
  ...(item && { item }),
});

/** The field that tells the items of both lists apart: every item has it, no two have the same. */
function identityOf(
  before: readonly Json[],
  after: readonly Json[],
  listName = '',
): string | undefined {
  const items = [...before, ...after];
  if (items.length === 0 || !items.every(isRecord)) return undefined;
  const named = `${listName.replace(/ies$/, 'y').replace(/s$/, '')}_id`;
  const fields = Object.keys(items[0] as JsonRecord);
  const rank = (field: string): number => {
    if (field === named) return 0;
    if (field === 'id') return 1;
    if (field.endsWith('_id')) return 2;
    if (field === 'position') return 3;
    return field === 'name' || field.endsWith('_name') ? 4 : 5;
  };
  return fields
    .filter((field) => rank(field) < 5)
    .sort((one, other) => rank(one) - rank(other))
    .find((field) => isUnique(before, field) && isUnique(after, field));
}

function isUnique(items: readonly Json[], field: string): boolean {
  const keys = items.map((item) => own(item as JsonRecord, field));
  const areKeys = keys.every((key) => typeof key === 'string' || typeof key === 'number');
  return areKeys && new Set(keys).size === keys.length;
}

const own = (record: JsonRecord, name: string): Value =>
  Object.hasOwn(record, name) ? record[name] : undefined;

const isList = (value: Json): value is Json[] => Array.isArray(value);

const isRecord = (value: Json): value is { [name: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
