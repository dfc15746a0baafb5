import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
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
 * @returns undefined when nothing can be shared with that key: its point is of small order.
 * @see RFC 7748, RFC 5869; the construction of RFC 9180 (HPKE) in its base mode, without its key schedule.
 */
export function sealTo(publicKey: string, plain: string, bound: string): SealedBox | undefined {
  const own = generateKeyPairSync('x25519');
  const theirs = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: publicKey },
    format: 'jwk',
  });
  const shared = sharedSecret(own.privateKey, theirs);
  if (!shared) return undefined;
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

function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    // Both keys are of the curve: the one thing left is a shared secret of zeros, which is none.
    return undefined;
  }
}
