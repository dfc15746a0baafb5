import type { JsonSchema } from './json-schema';

/** One field of a message, in words. */
export interface FieldRow {
  readonly field: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly rules: string;
}

/** The fields of an object's schema, with those of nested objects and of objects in lists by their paths. */
export function fieldRows(schema: JsonSchema, prefix = ''): readonly FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const row: FieldRow = {
      field: `${prefix}${name}`,
      type: typeOf(field),
      isRequired: (schema.required ?? []).includes(name),
      rules: rulesOf(field),
    };
    const items = field['items'] as JsonSchema | undefined;
    const inner = items ? fieldRows(items, `${row.field}[].`) : fieldRows(field, `${row.field}.`);
    return [row, ...inner];
  });
}

function typeOf(schema: JsonSchema): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return reference.split('/').at(-1) ?? reference;
  if (Array.isArray(schema['enum'])) return schema['enum'].map((one) => `\`${one}\``).join(', ');
  if (Array.isArray(schema['anyOf']))
    return [...new Set(schema['anyOf'].map((one) => typeOf(one as JsonSchema)))].join(' or ');
  if (schema['const'] !== undefined) return `\`${String(schema['const'])}\``;
  if (schema.type === 'array') return `array of ${typeOf((schema['items'] ?? {}) as JsonSchema)}`;
  return [schema.type ?? 'any'].flat().join(' or ');
}

const RULES: readonly (readonly [string, (value: string) => string])[] = [
  ['format', (value) => value],
  ['pattern', (value) => `\`${value.replaceAll('|', '\\|')}\``],
  ['minLength', (value) => `≥ ${value} characters`],
  ['maxLength', (value) => `≤ ${value} characters`],
  ['minimum', (value) => `≥ ${value}`],
  ['maximum', (value) => `≤ ${value}`],
  ['minItems', (value) => `≥ ${value} items`],
  ['maxItems', (value) => `≤ ${value} items`],
  ['default', (value) => `default ${value}`],
];

const rulesOf = (schema: JsonSchema): string =>
  RULES.flatMap(([keyword, say]) => {
    const value = schema[keyword];
    if (value === undefined) return [];
    return [say(typeof value === 'string' ? value : JSON.stringify(value))];
  }).join(', ');
