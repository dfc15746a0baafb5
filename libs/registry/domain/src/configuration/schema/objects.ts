import type { FieldError, Json, JsonObject } from '@downbeat/eventsourcing';
import { isBranch } from '../document';
import type { Finding, Place, Schema } from './rule';

type Schemas = Readonly<Record<string, Schema>>;
type Names = Readonly<Record<string, readonly string[]>>;

/** The keywords about objects and their members. */
export function objects(schema: JsonObject, value: Json, place: Place): readonly Finding[] {
  if (!isBranch(value)) return [];
  const members = Object.entries(value) as readonly (readonly [string, Json])[];
  return [
    ...sizes(schema, members.length, place),
    ...((schema['required'] ?? []) as readonly string[]).flatMap((name) =>
      requirement(value, name, place),
    ),
    ...membersOf(schema, members, place),
    ...dependents(schema, value, place),
  ];
}

function sizes(schema: JsonObject, size: number, place: Place): readonly FieldError[] {
  const { maxProperties, minProperties } = schema as Readonly<Record<string, number | undefined>>;
  if (maxProperties !== undefined && size > maxProperties)
    return place.wrong(`must have at most ${maxProperties} members`);
  if (minProperties !== undefined && size < minProperties)
    return place.wrong(`must have at least ${minProperties} members`);
  return [];
}

const requirement = (value: JsonObject, name: string, place: Place): readonly FieldError[] =>
  Object.hasOwn(value, name) ? [] : place.wrong('is required', name);

function membersOf(
  schema: JsonObject,
  members: readonly (readonly [string, Json])[],
  place: Place,
): readonly Finding[] {
  const known = (schema['properties'] ?? {}) as Schemas;
  const { additionalProperties: others, propertyNames: names } = schema as Schemas;
  return members.flatMap(([name, inner]) => {
    const own = Object.hasOwn(known, name) ? known[name] : others;
    return [
      ...memberErrors(own, name, inner, own === others, place),
      // A name is never secret: it says where.
      ...(names === undefined ? [] : place.check(names, name, name).filter(isWrong)),
    ];
  });
}

const isWrong = ({ isPlainSecret }: Finding): boolean => isPlainSecret !== true;

function memberErrors(
  schema: Schema | undefined,
  name: string,
  value: Json,
  isOther: boolean,
  place: Place,
): readonly Finding[] {
  if (schema === undefined) return [];
  if (schema === false && isOther) return place.wrong('is not a known field', name);
  return place.check(schema, value, name);
}

/** What has to be there, or to hold, when a certain member is there. */
function dependents(schema: JsonObject, value: JsonObject, place: Place): readonly Finding[] {
  const { dependentRequired, dependentSchemas, dependencies } = schema as Readonly<
    Record<string, JsonObject | undefined>
  >;
  const isThere = ([name]: readonly [string, unknown]): boolean => Object.hasOwn(value, name);
  const all = Object.entries({ ...dependentRequired, ...dependencies }).filter(isThere);
  const names = all.filter(([, one]) => Array.isArray(one)) as Entries<Names>;
  const schemas = [
    ...all.filter(([, one]) => !Array.isArray(one)),
    ...Object.entries(dependentSchemas ?? {}).filter(isThere),
  ] as Entries<Schemas>;
  return [
    ...names.flatMap(([, needed]) => needed.flatMap((name) => requirement(value, name, place))),
    ...schemas.flatMap(([, one]) => place.check(one, value)),
  ];
}

type Entries<Of extends object> = readonly (readonly [string, Of[keyof Of]])[];
