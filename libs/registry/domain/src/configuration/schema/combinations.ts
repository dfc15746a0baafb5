import type { Json, JsonObject } from '@downbeat/eventsourcing';
import { holds, type Finding, type Place, type Schema } from './rule';

/** The keywords that combine schemas for one and the same value. */
export function combinations(schema: JsonObject, value: Json, place: Place): readonly Finding[] {
  const { allOf = [] } = schema as { allOf?: readonly Schema[] };
  return [
    ...allOf.flatMap((one) => place.check(one, value)),
    ...alternatives(schema, value, place),
    ...condition(schema, value, place),
  ];
}

function alternatives(schema: JsonObject, value: Json, place: Place): readonly Finding[] {
  const {
    anyOf = [],
    oneOf = [],
    not,
  } = schema as {
    anyOf?: readonly Schema[];
    oneOf?: readonly Schema[];
    not?: Schema;
  };
  const tried = (schemas: readonly Schema[]) => schemas.map((one) => place.check(one, value));
  const [any, one] = [tried(anyOf), tried(oneOf)];
  return [
    ...(any.length > 0 && !any.some(holds)
      ? place.wrong(`is none of the ${any.length} things it may be`)
      : []),
    ...(one.length > 0 && one.filter(holds).length !== 1
      ? place.wrong(`must be exactly one of ${one.length} things`)
      : []),
    ...(not !== undefined && holds(place.check(not, value))
      ? place.wrong('is what it must not be')
      : []),
    ...secretsAmong(any),
    ...secretsAmong(one),
  ];
}

/** Of what it is; of anything that it may be, while it is nothing of all that. */
function secretsAmong(tried: readonly (readonly Finding[])[]): readonly Finding[] {
  const held = tried.filter(holds);
  return (held.length > 0 ? held : tried).flat().filter(({ isPlainSecret }) => isPlainSecret);
}

function condition(schema: JsonObject, value: Json, place: Place): readonly Finding[] {
  const { if: asked, then, else: otherwise } = schema as Readonly<Record<string, Schema>>;
  if (asked === undefined) return [];
  const answered = place.check(asked, value);
  const follows = holds(answered) ? then : otherwise;
  return [
    ...(holds(answered) ? answered : []),
    ...(follows === undefined ? [] : place.check(follows, value)),
  ];
}
