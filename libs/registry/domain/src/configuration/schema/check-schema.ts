import type { FieldError, Json, JsonObject } from '@downbeat/eventsourcing';
import { pointerOf, type Path } from '../document';
import { dialectOf, REFUSED, shapeOf, type Dialect, type KeywordShape } from './dialect';
import { FORMATS } from './formats';

const ERRORS_MAX = 20;
const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];

/**
 * What is wrong with a schema: each place that cannot be checked as JSON Schema (draft-07 or
 * 2020-12) has it, 20 at most. References lead to places of the schema itself and nowhere else.
 */
export function schemaErrors(schema: JsonObject): readonly FieldError[] {
  const dialect = dialectOf(schema['$schema']);
  if (!dialect)
    return [{ field: '$schema', message: 'must be draft-07 or 2020-12 of json-schema.org' }];
  const walk = new SchemaWalk(dialect);
  walk.schema(schema, []);
  return walk.end().slice(0, ERRORS_MAX);
}

class SchemaWalk {
  private readonly errors: FieldError[] = [];
  /** Pointers to every place that is a schema. */
  private readonly places = new Set<string>();
  private readonly references: { readonly path: Path; readonly to: string }[] = [];

  constructor(private readonly dialect: Dialect) {}

  schema(value: Json | undefined, path: Path): void {
    if (typeof value !== 'boolean' && !isObject(value))
      return this.refuse(path, 'must be a schema: an object, true or false');
    this.places.add(pointerOf(path));
    if (typeof value !== 'boolean')
      for (const [keyword, inner] of Object.entries(value))
        this.keyword(keyword, inner ?? null, [...path, keyword]);
  }

  end(): readonly FieldError[] {
    for (const { path, to } of this.references)
      if (!this.places.has(to)) this.refuse(path, 'leads to no schema of this document');
    return this.errors;
  }

  private keyword(keyword: string, value: Json, path: Path): void {
    const refusal = Object.hasOwn(REFUSED, keyword) ? REFUSED[keyword] : undefined;
    if (refusal !== undefined) return this.refuse(path, refusal);
    const shape = shapeOf(keyword, this.dialect);
    if (shape === undefined)
      return this.refuse(path, `is not a keyword of JSON Schema ${this.dialect}`);
    if (keyword === '$schema' && path.length > 1)
      return this.refuse(path, 'stands at the top of a document only');
    this.shape(shape, value, path);
  }

  private shape(shape: KeywordShape, value: Json, path: Path): void {
    switch (shape) {
      case 'anything':
        return;
      case 'schema':
        return this.schema(value, path);
      case 'schemas':
        return this.schemas(value, path);
      case 'schema-map':
        return this.map(value, path, (inner, at) => this.schema(inner, at));
      case 'schema-or-schemas':
        return Array.isArray(value) ? this.schemas(value, path) : this.schema(value, path);
      case 'schema-or-names-map':
        return this.map(value, path, (inner, at) =>
          Array.isArray(inner) ? this.expect(areNames(inner), at, NAMES) : this.schema(inner, at),
        );
      case 'names-map':
        return this.map(value, path, (inner, at) => this.expect(areNames(inner), at, NAMES));
      case 'reference':
        return this.reference(value, path);
      case 'names':
        return this.expect(areNames(value), path, NAMES);
      case 'count':
        return this.expect(isCount(value), path, 'must be a whole number, 0 or more');
      case 'number':
        return this.expect(typeof value === 'number', path, 'must be a number');
      case 'positive':
        return this.expect(typeof value === 'number' && value > 0, path, 'must be more than 0');
      case 'flag':
        return this.expect(typeof value === 'boolean', path, 'must be true or false');
      case 'types':
        return this.expect(areTypes(value), path, `must be of ${TYPES.join(', ')}, each once`);
      case 'values':
        return this.expect(Array.isArray(value), path, 'must be a list of values');
      case 'format':
        return this.expect(
          typeof value === 'string' && Object.hasOwn(FORMATS, value),
          path,
          `must be one of ${Object.keys(FORMATS).join(', ')}`,
        );
    }
  }

  private schemas(value: Json, path: Path): void {
    if (!Array.isArray(value) || value.length === 0)
      return this.refuse(path, 'must be a list of schemas');
    value.forEach((one: Json, at) => this.schema(one, [...path, String(at)]));
  }

  private map(value: Json, path: Path, visit: (inner: Json, path: Path) => void): void {
    if (!isObject(value)) return this.refuse(path, 'must be an object');
    for (const [name, inner] of Object.entries(value)) visit(inner ?? null, [...path, name]);
  }

  private reference(value: Json, path: Path): void {
    const to = typeof value === 'string' ? targetOf(value) : undefined;
    if (to === undefined)
      return this.refuse(path, 'must lead into this document: #/$defs/… or another place of it');
    this.references.push({ path, to });
  }

  private expect(isRight: boolean, path: Path, message: string): void {
    if (!isRight) this.refuse(path, message);
  }

  private refuse(path: Path, message: string): void {
    this.errors.push({ field: path.join('.'), message });
  }
}

const NAMES = 'must be a list of names, each once';

/** The pointer in a reference into the document itself; undefined for every other one. */
export function targetOf(reference: string): string | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined;
  try {
    return decodeURIComponent(reference.slice(1));
  } catch (fault) {
    if (!(fault instanceof URIError)) throw fault;
    return undefined;
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const isCount = (value: Json): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const areNames = (value: Json): boolean =>
  Array.isArray(value) &&
  value.every((one) => typeof one === 'string') &&
  new Set(value).size === value.length;

const areTypes = (value: Json): boolean =>
  Array.isArray(value)
    ? value.length > 0 && areNames(value) && value.every((one) => TYPES.includes(String(one)))
    : typeof value === 'string' && TYPES.includes(value);
