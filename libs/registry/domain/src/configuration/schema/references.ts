import type { Json, JsonObject } from '@downbeat/eventsourcing';
import { targetOf } from './check-schema';
import type { Schema } from './rule';

/** The schema that a reference leads to; undefined when there is none. */
export function referred(root: JsonObject, { $ref }: JsonObject): Schema | undefined {
  const target = typeof $ref === 'string' ? targetOf($ref) : undefined;
  if (target === undefined) return undefined;
  const keys = target
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  let found: Json | undefined = root;
  for (const key of keys) found = memberOf(found, key);
  return typeof found === 'boolean' || (found !== null && typeof found === 'object')
    ? (found as Schema)
    : undefined;
}

const memberOf = (value: Json | undefined, key: string): Json | undefined =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, key)
    ? (value as JsonObject)[key]
    : undefined;
