import {
  canonicalJson,
  type FieldError,
  type Json,
  type JsonObject,
} from '@downbeat/eventsourcing';
import { isSecret } from '../document';
import type { Place } from './rule';
import { FORMATS } from './formats';

type Kind = 'null' | 'boolean' | 'number' | 'string' | 'secret' | 'array' | 'object';

export function kindOf(value: Json): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isSecret(value)) return 'secret';
  return typeof value as 'boolean' | 'number' | 'string' | 'object';
}

/** The keywords that are about a value as it is: its type, its limits, what it may be. */
export function scalars(schema: JsonObject, value: Json, place: Place): readonly FieldError[] {
  const kind = kindOf(value);
  const { type } = schema;
  const types = (Array.isArray(type) ? type : [type]) as readonly unknown[];
  if (type !== undefined && !types.some((one) => isOf(String(one), kind, value)))
    return place.wrong(`must be ${types.join(' or ')}`);
  // What a secret holds is nobody's business here.
  if (kind === 'secret') return [];
  return [
    ...oneOfThose(schema, value, place),
    ...(typeof value === 'number' ? numbers(schema, value, place) : []),
    ...(typeof value === 'string' ? texts(schema, value, place) : []),
  ];
}

const isOf = (type: string, kind: Kind, value: Json): boolean =>
  type === kind ||
  (type === 'string' && kind === 'secret') ||
  (type === 'integer' && Number.isInteger(value));

function oneOfThose(schema: JsonObject, value: Json, place: Place): readonly FieldError[] {
  const { enum: values, const: only } = schema as { enum?: readonly Json[]; const?: Json };
  const text = canonicalJson(value);
  if (values && !values.some((one) => canonicalJson(one) === text))
    return place.wrong('must be one of the values that the schema lists');
  if (Object.hasOwn(schema, 'const') && canonicalJson(only) !== text)
    return place.wrong('must be the value that the schema names');
  return [];
}

function numbers(schema: JsonObject, value: number, place: Place): readonly FieldError[] {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf } = schema as Readonly<
    Record<string, number | undefined>
  >;
  if (maximum !== undefined && value > maximum) return place.wrong(`must be at most ${maximum}`);
  if (minimum !== undefined && value < minimum) return place.wrong(`must be at least ${minimum}`);
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    return place.wrong(`must be less than ${exclusiveMaximum}`);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return place.wrong(`must be more than ${exclusiveMinimum}`);
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    return place.wrong(`must be a multiple of ${multipleOf}`);
  return [];
}

/** Binary fractions are not exact: 0.0075 is 75 times 0.0001, and their quotient is not quite. */
function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  const off = Math.abs(quotient - Math.round(quotient));
  return Number.isFinite(quotient) && off <= Number.EPSILON * 4 * Math.max(1, Math.abs(quotient));
}

function texts(schema: JsonObject, value: string, place: Place): readonly FieldError[] {
  const { maxLength, minLength } = schema as Readonly<Record<string, number | undefined>>;
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength)
    return place.wrong(`must have at most ${maxLength} characters`);
  if (minLength !== undefined && length < minLength)
    return place.wrong(`must have at least ${minLength} characters`);
  const { format } = schema as { format?: string };
  if (format === undefined || FORMATS[format]?.(value)) return [];
  return place.wrong(`must be in the format ${format}`);
}
