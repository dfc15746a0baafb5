import type { FieldError, Json, JsonObject } from '@downbeat/eventsourcing';
import { compileExpression, type Expression } from './cel';
import { lookUp, parsePath } from './path';
import { FORBIDDEN_KEYS, rootOf, type Evaluated, type Scope } from './scope';

/** Where a plain path begins: among the scope's names, or inside the step's answer. */
export type PathBase = 'scope' | 'output';

export type Source =
  | { readonly kind: 'path'; readonly path: readonly string[] }
  | { readonly kind: 'cel'; readonly expression: Expression };

/** Fields to fill, each from a path or an expression. */
export interface Mapping {
  readonly base: PathBase;
  readonly fields: readonly { readonly key: string; readonly source: Source }[];
  /** What each field reads among the scope's names, as select chains. */
  readonly reads: readonly { readonly key: string; readonly path: readonly string[] }[];
}

/** @param place Dot path of the mapping in the definition, for the errors. */
export function compileMapping(
  mapping: Readonly<Record<string, string>>,
  base: PathBase,
  place: string,
  errors: FieldError[],
): Mapping {
  const fields: { key: string; source: Source }[] = [];
  const reads: { key: string; path: readonly string[] }[] = [];
  for (const [key, text] of Object.entries(mapping)) {
    const field = `${place}.${key}`;
    if (FORBIDDEN_KEYS.has(key)) {
      errors.push({ field, message: 'is a name that cannot be used' });
      continue;
    }
    if (text.startsWith('=')) {
      const expression = compileExpression(text.slice(1));
      if ('message' in expression) errors.push({ field, message: expression.message });
      else {
        fields.push({ key, source: { kind: 'cel', expression } });
        reads.push(...expression.paths.map((path) => ({ key, path })));
      }
      continue;
    }
    const path = parsePath(text);
    if ('message' in path) errors.push({ field, message: path.message });
    else {
      fields.push({ key, source: { kind: 'path', path } });
      if (base === 'scope') reads.push({ key, path });
    }
  }
  return { base, fields, reads };
}

/** The filled fields. A path that leads nowhere leaves its field out; an expression that fails fails all. */
export function applyMapping(mapping: Mapping, scope: Scope): Evaluated<JsonObject> {
  const value: Record<string, Json> = {};
  for (const { key, source } of mapping.fields) {
    if (source.kind === 'cel') {
      const result = source.expression.evaluate(scope);
      if (!result.ok) return { ok: false, message: `${key}: ${result.message}` };
      value[key] = result.value;
      continue;
    }
    const found = pathValue(mapping.base, source.path, scope);
    if (found !== undefined) value[key] = found;
  }
  return { ok: true, value };
}

/** One value; undefined when its path leads nowhere or its expression fails. */
export function evaluateSource(source: Source, scope: Scope): Json | undefined {
  if (source.kind === 'path') return pathValue('scope', source.path, scope);
  const result = source.expression.evaluate(scope);
  return result.ok ? result.value : undefined;
}

function pathValue(base: PathBase, path: readonly string[], scope: Scope): Json | undefined {
  if (base === 'output') return lookUp(scope.output, path);
  const [root = '', ...rest] = path;
  return lookUp(rootOf(scope, root), rest);
}
