import type { FieldError, Json, JsonObject } from '@downbeat/eventsourcing';
import type { Place, Schema } from './rule';

/** The keywords that combine schemas for one and the same value. */
export function combinations(schema: JsonObject, value: Json, place: Place): readonly FieldError[] {
  const { allOf = [] } = schema as { allOf?: readonly Schema[] };
  return [
    ...allOf.flatMap((one) => place.check(one, value)),
    ...alternatives(schema, value, place),
    ...condition(schema, value, place),
  ];
}

function alternatives(schema: JsonObject, value: Json, place: Place): readonly FieldError[] {
  const { anyOf, oneOf, not } = schema as {
    anyOf?: readonly Schema[];
    oneOf?: readonly Schema[];
    not?: Schema;
  };
  const holds = (one: Schema): boolean => place.check(one, value).length === 0;
  return [
    ...(anyOf && !anyOf.some(holds)
      ? place.wrong(`is none of the ${anyOf.length} things it may be`)
      : []),
    ...(oneOf && oneOf.filter(holds).length !== 1
      ? place.wrong(`must be exactly one of ${oneOf.length} things`)
      : []),
    ...(not !== undefined && holds(not) ? place.wrong('is what it must not be') : []),
  ];
}

function condition(schema: JsonObject, value: Json, place: Place): readonly FieldError[] {
  const { if: asked, then, else: otherwise } = schema as Readonly<Record<string, Schema>>;
  if (asked === undefined) return [];
  const follows = place.check(asked, value).length === 0 ? then : otherwise;
  return follows === undefined ? [] : place.check(follows, value);
}
