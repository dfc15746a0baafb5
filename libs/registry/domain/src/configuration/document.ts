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

/** A kept value: which data key it is under, and AES-256-GCM of it, as base64url. */
export interface Ciphertext {
  readonly data_key: string;
  readonly ciphertext: string;
}

export const ciphertextOf = (secret: JsonObject): Ciphertext | undefined =>
  typeof secret['data_key'] === 'string' && typeof secret['ciphertext'] === 'string'
    ? { data_key: secret['data_key'], ciphertext: secret['ciphertext'] }
    : undefined;

/** The same document with something else in the place of each secret. */
export function withSecrets(
  value: Json,
  replace: (secret: JsonObject, path: Path) => Json,
  path: Path = [],
): Json {
  if (isSecret(value)) return replace(value[SECRET] as JsonObject, path);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value))
    return value.map((item: Json, at) => withSecrets(item, replace, [...path, String(at)]));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      inner === undefined ? undefined : withSecrets(inner, replace, [...path, key]),
    ]),
  );
}

/** References as they are, and of kept values only under which key they are. */
export const masked = (value: Json, keyIdOf: (dataKey: string) => string | undefined): Json =>
  withSecrets(value, (secret) => {
    const kept = ciphertextOf(secret);
    if (!kept) return { [SECRET]: secret };
    const key_id = keyIdOf(kept.data_key);
    return { [SECRET]: '***', ...(key_id !== undefined && { key_id }) };
  });
