import { canonicalJson, type Json, type JsonObject } from '@downbeat/eventsourcing';
import { isBranch, type Path } from './document';

export type Difference =
  | { readonly change: 'added'; readonly path: Path; readonly to: Json }
  | { readonly change: 'removed'; readonly path: Path; readonly from: Json }
  | {
      readonly change: 'changed';
      readonly path: Path;
      readonly from: Json;
      readonly to: Json;
    };

/** What makes `after` of `before`, sorted by place. Lists and secrets are compared as wholes. */
export function differences(
  before: JsonObject,
  after: JsonObject,
  path: Path = [],
): readonly Difference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => differencesAt(before[key], after[key], [...path, key]));
}

function differencesAt(
  from: Json | undefined,
  to: Json | undefined,
  path: Path,
): readonly Difference[] {
  if (from === undefined) return to === undefined ? [] : [{ change: 'added', path, to }];
  if (to === undefined) return [{ change: 'removed', path, from }];
  if (isBranch(from) && isBranch(to)) return differences(from, to, path);
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ change: 'changed', path, from, to }];
}
