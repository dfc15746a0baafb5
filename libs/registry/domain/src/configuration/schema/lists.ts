import {
  canonicalJson,
  type FieldError,
  type Json,
  type JsonObject,
} from '@downbeat/eventsourcing';
import { holds, type Finding, type Place, type Schema } from './rule';

/** The keywords about lists and their items. */
export function lists(schema: JsonObject, value: Json, place: Place): readonly Finding[] {
  if (!Array.isArray(value)) return [];
  const items = value as readonly Json[];
  return [
    ...sizes(schema, items, place),
    ...eachItem(schema, items, place),
    ...contained(schema, items, place),
  ];
}

function sizes(schema: JsonObject, items: readonly Json[], place: Place): readonly FieldError[] {
  const { maxItems, minItems } = schema as Readonly<Record<string, number | undefined>>;
  if (maxItems !== undefined && items.length > maxItems)
    return place.wrong(`must have at most ${maxItems} items`);
  if (minItems !== undefined && items.length < minItems)
    return place.wrong(`must have at least ${minItems} items`);
  if (schema['uniqueItems'] === true && new Set(items.map(canonicalJson)).size < items.length)
    return place.wrong('must not hold anything twice');
  return [];
}

/** First those with a schema of their own, then the one for all that follow. */
function itemSchemas({ dialect }: Place, schema: JsonObject) {
  const { items, additionalItems, prefixItems } = schema;
  if (dialect === '2020-12') return { first: prefixItems, following: items };
  return Array.isArray(items)
    ? { first: items, following: additionalItems }
    : { first: undefined, following: items };
}

function eachItem(schema: JsonObject, items: readonly Json[], place: Place): readonly Finding[] {
  const found = itemSchemas(place, schema);
  const first = (found.first ?? []) as readonly Schema[];
  const following = found.following as Schema | undefined;
  return items.flatMap((item, at) => {
    const own = first[at] ?? following;
    return own === undefined ? [] : place.check(own, item, String(at));
  });
}

function contained(schema: JsonObject, items: readonly Json[], place: Place): readonly Finding[] {
  const { contains } = schema as { contains?: Schema };
  if (contains === undefined) return [];
  const { minContains = 1, maxContains } = schema as Readonly<Record<string, number | undefined>>;
  const found = items
    .map((item, at) => place.check(contains, item, String(at)))
    .filter((findings) => holds(findings));
  const secrets = found.flat();
  if (found.length < minContains)
    return [...secrets, ...place.wrong('lacks an item that the schema asks for')];
  if (maxContains !== undefined && found.length > maxContains)
    return [...secrets, ...place.wrong(`holds more than ${maxContains} items of a kind`)];
  return secrets;
}
