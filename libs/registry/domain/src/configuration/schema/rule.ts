import type { FieldError, Json, JsonObject } from '@downbeat/eventsourcing';
import type { Path } from '../document';
import type { Dialect } from './dialect';

export type Schema = boolean | JsonObject;

/** What is to be said of a value. */
export interface Finding extends FieldError {
  /** The schema says that this is secret, and it stands there as it is. The value may be right for all that. */
  readonly isPlainSecret?: true;
}

/** Whether a value is what the schema asks for. */
export const holds = (findings: readonly Finding[]): boolean =>
  findings.every(({ isPlainSecret }) => isPlainSecret === true);

/** One part of a value, and how to look at parts of it. */
export interface Place {
  readonly path: Path;
  readonly dialect: Dialect;
  /** The same value, or a part of it, against another schema. */
  readonly check: (schema: Schema, value: Json, key?: string) => readonly Finding[];
  /** Something here, or a member of it, is wrong. It never says what stands there. */
  readonly wrong: (message: string, key?: string) => readonly FieldError[];
}

/** What some keywords of a schema have against a value. */
export type Rule = (schema: JsonObject, value: Json, place: Place) => readonly Finding[];
