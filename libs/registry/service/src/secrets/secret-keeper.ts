import { Rejection, type Json, type JsonObject } from '@downbeat/eventsourcing';
import {
  ciphertextOf,
  masked,
  pointerOf,
  secretsIn,
  withSecrets,
  type Path,
} from '@downbeat/registry-domain';
import { Injectable } from '@nestjs/common';
import { DataKeys, type DataKey, type Owner } from './data-keys';
import { decrypt, encrypt, NotReadable } from './envelope';
import { KeyRing } from './key-ring';

const TOKEN = /^s1\.([0-9a-f]{16})\.([A-Za-z0-9_-]+)$/;

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
    const sealed = encrypt(current.sealing, Buffer.from(value), tokenPlace(owner));
    return `s1.${current.id}.${sealed.toString('base64url')}`;
  }

  /**
   * The document with each sealed token replaced by ciphertext that can be read at its own place of this
   * version alone: under a data key that no other version has.
   */
  async keep(owner: Owner, document: JsonObject): Promise<JsonObject | Rejection> {
    const opened = new Map<string, Buffer>();
    for (const { path, secret } of secretsIn(document)) {
      if (typeof secret['sealed'] !== 'string') continue;
      const plain = this.opened(owner, secret['sealed']);
      if (!plain) return notSealedHere(path);
      opened.set(pointerOf(path), plain);
    }
    if (opened.size === 0) return document;
    const { current } = this.ring;
    if (!current) return noKey();
    const dataKey = await this.dataKeys.make(owner, current);
    return withSecrets(document, (secret, path) => {
      const plain = opened.get(pointerOf(path));
      if (!plain) return { $secret: secret };
      const ciphertext = encrypt(dataKey.key, plain, valuePlace(dataKey, path));
      return {
        $secret: { data_key: dataKey.data_key, ciphertext: ciphertext.toString('base64url') },
      };
    }) as JsonObject;
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

  private opened(owner: Owner, token: string): Buffer | undefined {
    const [, keyId = '', sealed = ''] = TOKEN.exec(token) ?? [];
    const key = this.ring.of(keyId);
    if (!key) return undefined;
    try {
      return decrypt(key.sealing, Buffer.from(sealed, 'base64url'), tokenPlace(owner));
    } catch (fault) {
      if (!(fault instanceof NotReadable)) throw fault;
      return undefined;
    }
  }
}

const dataKeysIn = (document: JsonObject): readonly string[] => [
  ...new Set(secretsIn(document).flatMap(({ secret }) => ciphertextOf(secret)?.data_key ?? [])),
];

const tokenPlace = ({ service_id, environment }: Owner) => ({ service_id, environment });

/** The data key stands for the version: no other one has it. */
const valuePlace = ({ service_id, environment, data_key }: DataKey, path: Path) => ({
  ...{ service_id, environment, data_key, path: pointerOf(path) },
});

const noKey = (): Rejection =>
  new Rejection(
    'secrets-not-configured',
    'no key is set for secrets (DOWNBEAT_CONFIG_KEY); references can be used without one',
  );

function notSealedHere(path: Path): Rejection {
  const field = ['configuration', ...path].join('.');
  const message = 'was not sealed here, or for another service or environment';
  return new Rejection('secret-not-sealed-here', `${field} ${message}`, 'invalid', [
    { field, message },
  ]);
}
