import { Rejection, type FieldError, type Json, type JsonObject } from '@downbeat/eventsourcing';
import { isSecret, type Path } from '../document';
import { combinations } from './combinations';
import { dialectOf, type Dialect } from './dialect';
import { lists } from './lists';
import { objects } from './objects';
import { referred } from './references';
import type { Finding, Place, Rule, Schema } from './rule';
import { scalars } from './scalars';

const RULES: readonly Rule[] = [scalars, objects, lists, combinations];
const ERRORS_MAX = 20;
/** Of schemas within schemas at one place of the value, and of the value. */
const DEPTH_MAX = 128;
/** A schema of 16 KiB and a document of 64 KiB that are meant well take a few thousand. */
const STEPS_MAX = 100_000;

/**
 * What is wrong with a document, by a schema without errors: 20 places at most, each named by its path
 * below `root`. A secret counts as text whose contents nobody knows. What is `writeOnly` must be one, or
 * hold nothing else. The work is bounded.
 *
 * @returns A rejection when the schema asks for more work than that.
 */
export function valueErrors(
  schema: JsonObject,
  document: JsonObject,
  root: Path = [],
): readonly FieldError[] | Rejection {
  return told(schema, document, root, () => true);
}

/**
 * Only what the schema says is secret and stands in the document as it is; of one that need not be
 * complete.
 *
 * @returns As {@link valueErrors}.
 */
export function plainSecrets(
  schema: JsonObject,
  document: JsonObject,
  root: Path = [],
): readonly FieldError[] | Rejection {
  return told(schema, document, root, ({ isPlainSecret }) => isPlainSecret === true);
}

/**
 * What is wrong with a document that was accepted before: what it holds in the clear is in the log by
 * now, and refusing it protects nothing.
 *
 * @returns As {@link valueErrors}.
 */
export function keptValueErrors(
  schema: JsonObject,
  document: JsonObject,
  root: Path = [],
): readonly FieldError[] | Rejection {
  return told(schema, document, root, ({ isPlainSecret }) => isPlainSecret !== true);
}

function told(
  schema: JsonObject,
  document: JsonObject,
  root: Path,
  isAskedFor: (finding: Finding) => boolean,
): readonly FieldError[] | Rejection {
  const check = new ValueCheck(schema, dialectOf(schema['$schema']) ?? '2020-12');
  const findings = check.visit(schema, document, root, 0);
  if (check.isExhausted) return tooCostly();
  const secret = new Set(
    findings.filter(({ isPlainSecret }) => isPlainSecret).map(({ field }) => field),
  );
  // What is within a secret may say what it is, by a name too.
  const isWithin = (field: string): boolean => {
    for (let at = field.indexOf('.'); at !== -1; at = field.indexOf('.', at + 1))
      if (secret.has(field.slice(0, at))) return true;
    return false;
  };
  const seen = new Set<string>();
  return findings
    .filter((finding) => isAskedFor(finding) && !isWithin(finding.field))
    .map(({ field, message }) => ({ field, message }))
    .filter(({ field, message }) => seen.size < seen.add(`${field} ${message}`).size)
    .slice(0, ERRORS_MAX);
}

const PLAIN_SECRET =
  'is secret (writeOnly): it must be a reference or a sealed value ({"$secret": …})';

class ValueCheck {
  private steps = 0;

  constructor(
    private readonly root: JsonObject,
    private readonly dialect: Dialect,
  ) {}

  get isExhausted(): boolean {
    return this.steps > STEPS_MAX;
  }

  visit(schema: Schema, value: Json, path: Path, depth: number): readonly Finding[] {
    this.steps += depth > DEPTH_MAX ? STEPS_MAX + 1 : 1;
    if (this.isExhausted || schema === true) return [];
    const wrong: Place['wrong'] = (message, key) => [
      { field: [...path, ...(key === undefined ? [] : [key])].join('.'), message },
    ];
    if (schema === false) return wrong('is not allowed');
    const place: Place = {
      path,
      dialect: this.dialect,
      wrong,
      check: (inner, part, key) =>
        this.visit(inner, part, key === undefined ? path : [...path, key], depth + 1),
    };
    const secret: readonly Finding[] =
      schema['writeOnly'] === true && this.isPlain(value)
        ? [{ field: path.join('.'), message: PLAIN_SECRET, isPlainSecret: true }]
        : [];
    const target = referred(this.root, schema);
    const atTarget = target === undefined ? [] : place.check(target, value);
    // Of draft-07: what stands beside a reference does not count, but that it is secret.
    if (target !== undefined && this.dialect === 'draft-07') return [...secret, ...atTarget];
    return [...secret, ...atTarget, ...RULES.flatMap((rule) => rule(schema, value, place))];
  }

  /** Whether anything in it can be read by everybody. */
  private isPlain(value: Json | undefined): boolean {
    this.steps++;
    if (value === null || value === undefined || isSecret(value)) return false;
    return typeof value !== 'object' || Object.values(value).some((inner) => this.isPlain(inner));
  }
}

const tooCostly = (): Rejection =>
  new Rejection(
    'configuration-schema-too-costly',
    'the configuration_schema of the service takes too many steps to check, or refers to itself without end',
  );
