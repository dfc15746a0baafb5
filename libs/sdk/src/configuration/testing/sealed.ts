import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';
import type { SealedBox } from '../sealed-box';

/** A box as the registry makes it. @param publicKey Of whoever asked. */
export function sealed(publicKey: string, plain: string, bound: string): SealedBox {
  const own = generateKeyPairSync('x25519');
  const theirs = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: publicKey },
    format: 'jwk',
  });
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: theirs });
  const key = Buffer.from(hkdfSync('sha256', shared, '', 'downbeat configuration', 32));
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(Buffer.from(bound));
  const parts = [cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return {
    public_key: own.publicKey.export({ format: 'jwk' }).x ?? '',
    iv: Buffer.alloc(12).toString('base64url'),
    ciphertext: Buffer.concat(parts).toString('base64url'),
  };
}
