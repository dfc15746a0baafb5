/** Which JSON Schema a schema is written in; without `$schema` the newer one. */
export type Dialect = 'draft-07' | '2020-12';

export function dialectOf(said: unknown): Dialect | undefined {
  if (said === undefined) return '2020-12';
  if (typeof said !== 'string') return undefined;
  if (/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(said)) return 'draft-07';
  if (/^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(said)) return '2020-12';
  return undefined;
}

/** What the value of a keyword must be. */
export type KeywordShape =
  | 'schema'
  | 'schemas'
  | 'schema-map'
  | 'schema-or-schemas'
  | 'schema-or-names-map'
  | 'names'
  | 'names-map'
  | 'count'
  | 'number'
  | 'positive'
  | 'flag'
  | 'types'
  | 'values'
  | 'format'
  | 'reference'
  | 'anything';

const IN_BOTH: Readonly<Record<string, KeywordShape>> = {
  $schema: 'anything',
  $id: 'anything',
  $comment: 'anything',
  title: 'anything',
  description: 'anything',
  default: 'anything',
  examples: 'anything',
  readOnly: 'flag',
  writeOnly: 'flag',
  contentEncoding: 'anything',
  contentMediaType: 'anything',
  $ref: 'reference',
  definitions: 'schema-map',
  type: 'types',
  enum: 'values',
  const: 'anything',
  multipleOf: 'positive',
  maximum: 'number',
  exclusiveMaximum: 'number',
  minimum: 'number',
  exclusiveMinimum: 'number',
  maxLength: 'count',
  minLength: 'count',
  format: 'format',
  maxItems: 'count',
  minItems: 'count',
  uniqueItems: 'flag',
  contains: 'schema',
  maxProperties: 'count',
  minProperties: 'count',
  required: 'names',
  properties: 'schema-map',
  additionalProperties: 'schema',
  propertyNames: 'schema',
  allOf: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  not: 'schema',
  if: 'schema',
  then: 'schema',
  else: 'schema',
};

const KEYWORDS: Readonly<Record<Dialect, Readonly<Record<string, KeywordShape>>>> = {
  'draft-07': {
    ...IN_BOTH,
    items: 'schema-or-schemas',
    additionalItems: 'schema',
    dependencies: 'schema-or-names-map',
  },
  '2020-12': {
    ...IN_BOTH,
    $defs: 'schema-map',
    deprecated: 'anything',
    contentSchema: 'anything',
    items: 'schema',
    prefixItems: 'schemas',
    minContains: 'count',
    maxContains: 'count',
    dependentRequired: 'names-map',
    dependentSchemas: 'schema-map',
  },
};

export const shapeOf = (keyword: string, dialect: Dialect): KeywordShape | undefined =>
  Object.hasOwn(KEYWORDS[dialect], keyword) ? KEYWORDS[dialect][keyword] : undefined;

const A_PATTERN =
  'is a regular expression, which may take for ever; use enum, format or the lengths';

/** Why a keyword is refused that JSON Schema knows. What is not checked must not look checked. */
export const REFUSED: Readonly<Record<string, string>> = {
  pattern: A_PATTERN,
  patternProperties: A_PATTERN,
  $anchor: 'is not supported; refer to a place by its path',
  $dynamicRef: 'is not supported; use $ref',
  $dynamicAnchor: 'is not supported; refer to a place by its path',
  $vocabulary: 'is not supported',
  unevaluatedProperties: 'is not supported; use additionalProperties',
  unevaluatedItems: 'is not supported; use items',
};
