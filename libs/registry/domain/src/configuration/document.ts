import { registryContract } from '@downbeat/contracts';
import type { Json, JsonObject } from '@downbeat/eventsourcing';

const { SECRET } = registryContract;

export type Path = readonly string[];

/** An object that has parts of its own: no list, and no secret, which is one value. */
export const isBranch = (value: Json | undefined): value is JsonObject =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  !Object.hasOwn(value, SECRET);

export const isSecret = (value: Json | undefined): value is JsonObject =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  Object.hasOwn(value, SECRET);

/** @see RFC 6901, JSON Pointer. */
export const pointerOf = (path: Path): string =>
  path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Every secret of a document with its place, in the order of the document. */
export function secretsIn(
  value: Json | undefined,
  path: Path = [],
): readonly { readonly path: Path; readonly secret: JsonObject }[] {
  if (isSecret(value)) return [{ path, secret: value[SECRET] as JsonObject }];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner as Json, [...path, key]));
}

/** What instances have to look up by themselves, each once, sorted. */
export const secretReferences = (document: JsonObject): readonly string[] =>
  [
    ...new Set(
      secretsIn(document)
        .map(({ secret }) => secret['ref'])
        .filter((ref) => typeof ref === 'string'),
    ),
  ].sort();
