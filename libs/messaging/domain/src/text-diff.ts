import type { Json } from '@downbeat/eventsourcing';

/** JSON pointers (RFC 6901) to what differs. */
export interface TextDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** There are more. */
  readonly is_cut: boolean;
}

const DIFFERENCES_MAX = 200;

type Way = 'added' | 'removed' | 'changed';

/** Where `after` differs from `before`; places in lists are compared one by one. No value is in it. */
export function diffOf(before: Json, after: Json): TextDiff {
  const found: { readonly way: Way; readonly at: string }[] = [];
  const isFull = (): boolean => found.length > DIFFERENCES_MAX;
  const visit = (one: Json | undefined, other: Json | undefined, at: string): void => {
    if (isFull()) return;
    if (other === undefined) found.push({ way: 'removed', at });
    else if (one === undefined) found.push({ way: 'added', at });
    else if (isBranch(one) && isBranch(other) && Array.isArray(one) === Array.isArray(other)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
        visit(inside(one, key), inside(other, key), `${at}/${escaped(key)}`);
    } else if (!Object.is(one, other)) found.push({ way: 'changed', at });
  };
  visit(before, after, '');
  const those = (wanted: Way): string[] =>
    found
      .slice(0, DIFFERENCES_MAX)
      .filter(({ way }) => way === wanted)
      .map(({ at }) => at.slice(0, POINTER_LENGTH_MAX));
  return {
    added: those('added'),
    removed: those('removed'),
    changed: those('changed'),
    is_cut: isFull(),
  };
}

const POINTER_LENGTH_MAX = 500;

type Branch = { readonly [key: string]: Json };

const isBranch = (value: Json): value is Branch & Json =>
  value !== null && typeof value === 'object';

const inside = (branch: Branch, key: string): Json | undefined =>
  Object.hasOwn(branch, key) ? branch[key] : undefined;

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
