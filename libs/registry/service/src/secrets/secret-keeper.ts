import { Rejection, type Json, type JsonObject } from '@downbeat/eventsourcing';
import {
  ciphertextOf,
  masked,
  pointerOf,
  secretsIn,
  withSecrets,
  type Ciphertext,
  type Path,
} from '@downbeat/registry-domain';
import { Injectable } from '@nestjs/common';
import { DataKeys, type DataKey, type Owner } from './data-keys';
import { decrypt, encrypt, NotReadable } from './envelope';
import { KeyRing } from './key-ring';
import { openToken, sealedToken } from './sealed-token';

/** Takes secret values in, keeps them as ciphertext, and gives them back to instances alone. */
@Injectable()
export class SecretKeeper {
  constructor(
    private readonly ring: KeyRing,
    private readonly dataKeys: DataKeys,
  ) {}

  /** A token that stands for the value in configurations of this service and environment. */
  seal(owner: Owner, value: string): string | Rejection {
    const { current } = this.ring;
    if (!current) return noKey();
    return sealedToken(current, owner, value);
  }

  /**
   * The document with each sealed token, and each value kept from an earlier version, replaced by
   * ciphertext that can be read at its own place of this version alone: under a data key that no other
   * version has.
   *
   * @param earlier What holds in another version of the same service and environment.
   */
  async keep(
    owner: Owner,
    document: JsonObject,
    earlier: (version: string) => Promise<JsonObject | undefined>,
  ): Promise<JsonObject | Rejection> {
    const found = new Map<string, Found>();
    for (const { path, secret } of secretsIn(document)) {
      const one = await this.found(owner, secret, path, earlier);
      if (one instanceof Rejection) return one;
      found.set(pointerOf(path), one);
    }
    if (![...found.values()].some(({ plain }) => plain)) return put(document, found);
    const { current } = this.ring;
    if (!current) return noKey();
    return put(document, found, await this.dataKeys.make(owner, current));
  }

  /** The document with the values themselves. References stay: whoever has them looks them up. */
  async revealed(document: JsonObject): Promise<Json> {
    const keys = await this.dataKeys.read(dataKeysIn(document));
    return withSecrets(document, (secret, path) => {
      const kept = ciphertextOf(secret);
      if (!kept) return { $secret: secret };
      const dataKey = keys.get(kept.data_key);
      if (!dataKey) throw new NotReadable(`the data key ${kept.data_key} is gone`);
      const sealed = Buffer.from(kept.ciphertext, 'base64url');
      return decrypt(dataKey.key, sealed, valuePlace(dataKey, path)).toString('utf8');
    });
  }

  /** How values of these documents are shown to anybody. */
  async masking(...documents: readonly JsonObject[]): Promise<(value: Json) => Json> {
    const ids = await this.dataKeys.keyIds(documents.flatMap(dataKeysIn));
    return (value) => masked(value, (dataKey) => ids.get(dataKey));
  }

  private async found(
    owner: Owner,
    secret: JsonObject,
    path: Path,
    earlier: (version: string) => Promise<JsonObject | undefined>,
  ): Promise<Found | Rejection> {
    const { sealed, kept_from } = secret;
    if (typeof sealed === 'string') {
      const plain = openToken(this.ring, owner, sealed);
      return plain ? { plain } : refusedAt(path, ...NOT_SEALED_HERE);
    }
    if (typeof kept_from !== 'string') return { secret };
    const before = await earlier(kept_from);
    const there = secretsIn(before).find((one) => pointerOf(one.path) === pointerOf(path));
    if (!there) return refusedAt(path, ...NOTHING_TO_KEEP);
    const kept = ciphertextOf(there.secret);
    return kept ? { plain: await this.plainOf(kept, path) } : { secret: there.secret };
  }

  private async plainOf({ data_key, ciphertext }: Ciphertext, path: Path): Promise<Buffer> {
    const dataKey = (await this.dataKeys.read([data_key])).get(data_key);
    if (!dataKey) throw new NotReadable(`the data key ${data_key} is gone`);
    return decrypt(dataKey.key, Buffer.from(ciphertext, 'base64url'), valuePlace(dataKey, path));
  }
}

/** JSON pointers (RFC 6901) to the values that are kept as ciphertext. */
export const sealedPlaces = (document: JsonObject): string[] =>
  secretsIn(document)
    .filter(({ secret }) => ciphertextOf(secret))
    .map(({ path }) => pointerOf(path));

const dataKeysIn = (document: JsonObject): readonly string[] => [
  ...new Set(secretsIn(document).flatMap(({ secret }) => ciphertextOf(secret)?.data_key ?? [])),
];

/** The data key stands for the version: no other one has it. */
const valuePlace = ({ service_id, environment, data_key }: DataKey, path: Path) => ({
  ...{ service_id, environment, data_key, path: pointerOf(path) },
});

const noKey = (): Rejection =>
  new Rejection(
    'secrets-not-configured',
    'no key is set for secrets (DOWNBEAT_CONFIG_KEY); references can be used without one',
  );

/** A value to be encrypted, or what stands for one as it is. */
interface Found {
  readonly plain?: Buffer;
  readonly secret?: JsonObject;
}

const put = (
  document: JsonObject,
  found: ReadonlyMap<string, Found>,
  dataKey?: DataKey,
): JsonObject =>
  withSecrets(document, (said, path) => {
    const { plain, secret = said } = found.get(pointerOf(path)) ?? {};
    if (!plain || !dataKey) return { $secret: secret };
    const ciphertext = encrypt(dataKey.key, plain, valuePlace(dataKey, path)).toString('base64url');
    return { $secret: { data_key: dataKey.data_key, ciphertext } };
  }) as JsonObject;

const NOT_SEALED_HERE = [
  'secret-not-sealed-here',
  'was not sealed here, or for another service or environment',
] as const;
const NOTHING_TO_KEEP = [
  'no-secret-to-keep',
  'is kept from a version that has no secret there',
] as const;

function refusedAt(path: Path, code: string, message: string): Rejection {
  const field = ['configuration', ...path].join('.');
  return new Rejection(code, `${field} ${message}`, 'invalid', [{ field, message }]);
}
