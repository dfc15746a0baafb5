import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const INFO = 'downbeat configuration';

export interface SealedBox {
  readonly public_key: string;
  readonly iv: string;
  readonly ciphertext: string;
}

/**
 * For the eyes of whoever holds the private half of `publicKey` (X25519, base64url): a key pair for this
 * box alone, HKDF-SHA256 of what both share, AES-256-GCM. All as base64url, the tag at the end.
 *
 * @throws {Error} It is no point of the curve.
 * @see RFC 7748, RFC 5869; the construction of RFC 9180 (HPKE) in its base mode, without its key schedule.
 */
export function sealTo(publicKey: string, plain: string, bound: string): SealedBox {
  const own = generateKeyPairSync('x25519');
  const theirs = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: publicKey },
    format: 'jwk',
  });
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: theirs });
  const key = Buffer.from(hkdfSync('sha256', shared, '', INFO, KEY_BYTES));
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(bound));
  const parts = [cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return {
    public_key: own.publicKey.export({ format: 'jwk' }).x ?? '',
    iv: iv.toString('base64url'),
    ciphertext: Buffer.concat(parts).toString('base64url'),
  };
}
