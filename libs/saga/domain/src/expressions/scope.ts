import type { Json, JsonObject } from '@downbeat/eventsourcing';

/** What an expression may look at: the run's context and, once there is one, a step's answer. */
export interface Scope {
  readonly context: JsonObject;
  readonly output?: Json | undefined;
}

/** An expression gave a value or it did not; it never throws. */
export type Evaluated<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly message: string };

/** Roots that are not keys of the context. `context` lets one ask `has(context.key)`. */
export const RESERVED_ROOTS: ReadonlySet<string> = new Set(['context', 'output']);

/** Names that JavaScript treats as a prototype; never a key of anything. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
]);

/** The value of a root name: the answer, the context itself, or one of its own keys. */
export function rootOf(scope: Scope, name: string): Json | undefined {
  if (name === 'output' && scope.output !== undefined) return scope.output;
  if (Object.hasOwn(scope.context, name)) return scope.context[name];
  return name === 'context' ? scope.context : undefined;
}
