import { Rejection, type FieldError, type Json, type JsonObject } from '@downbeat/eventsourcing';
import type { Path } from '../document';
import { combinations } from './combinations';
import { dialectOf, type Dialect } from './dialect';
import { lists } from './lists';
import { objects } from './objects';
import { referred } from './references';
import type { Place, Rule, Schema } from './rule';
import { scalars } from './scalars';

const RULES: readonly Rule[] = [scalars, objects, lists, combinations];
const ERRORS_MAX = 20;
/** Of schemas within schemas at one place of the value, and of the value. */
const DEPTH_MAX = 128;
/** A schema of 16 KiB and a document of 64 KiB that are meant well take a few thousand. */
const STEPS_MAX = 100_000;

/**
 * What is wrong with a document, by a schema without errors: 20 places at most, each named by its path
 * below `root`. A secret counts as text whose contents nobody knows. The work is bounded.
 *
 * @returns A rejection when the schema asks for more work than that.
 */
export function valueErrors(
  schema: JsonObject,
  document: JsonObject,
  root: Path = [],
): readonly FieldError[] | Rejection {
  const check = new ValueCheck(schema, dialectOf(schema['$schema']) ?? '2020-12');
  const errors = check.visit(schema, document, root, 0);
  return check.isExhausted ? tooCostly() : errors.slice(0, ERRORS_MAX);
}

class ValueCheck {
  private steps = 0;

  constructor(
    private readonly root: JsonObject,
    private readonly dialect: Dialect,
  ) {}

  get isExhausted(): boolean {
    return this.steps > STEPS_MAX;
  }

  visit(schema: Schema, value: Json, path: Path, depth: number): readonly FieldError[] {
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
    const target = referred(this.root, schema);
    const atTarget = target === undefined ? [] : place.check(target, value);
    // Of draft-07: what stands beside a reference does not count.
    if (target !== undefined && this.dialect === 'draft-07') return atTarget;
    return [...atTarget, ...RULES.flatMap((rule) => rule(schema, value, place))];
  }
}

const tooCostly = (): Rejection =>
  new Rejection(
    'configuration-schema-too-costly',
    'the configuration_schema of the service takes too many steps to check, or refers to itself without end',
  );
