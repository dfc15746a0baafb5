import {
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const INFO = 'downbeat configuration';

/** X25519, AES-256-GCM with its tag at the end; all as base64url. */
export interface SealedBox {
  readonly public_key: string;
  readonly iv: string;
  readonly ciphertext: string;
}

/** Half of a key pair that was made for one question, and forgotten with its answer. */
export interface BoxKey {
  /** 32 bytes as base64url. */
  readonly publicKey: string;
  /** @throws When the box is not for this key, is bound to something else, or was changed. */
  open(box: SealedBox, bound: string): string;
}

/**
 * The other side of what the registry seals: HKDF-SHA256 of what both keys share, AES-256-GCM with
 * `bound` as additional data.
 *
 * @see RFC 7748, RFC 5869; docs/configuration.md has it in other words.
 */
export function newBoxKey(): BoxKey {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return {
    publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
    open: ({ public_key, iv, ciphertext }, bound) => {
      const theirs = createPublicKey({
        key: { kty: 'OKP', crv: 'X25519', x: public_key },
        format: 'jwk',
      });
      const shared = diffieHellman({ privateKey, publicKey: theirs });
      const key = Buffer.from(hkdfSync('sha256', shared, '', INFO, KEY_BYTES));
      const box = Buffer.from(ciphertext, 'base64url');
      const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(bound))
        .setAuthTag(box.subarray(-TAG_BYTES));
      const plain = [cipher.update(box.subarray(0, -TAG_BYTES)), cipher.final()];
      return Buffer.concat(plain).toString('utf8');
    },
  };
}
