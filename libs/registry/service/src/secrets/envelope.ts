import { canonicalJson, Fault, type JsonObject } from '@downbeat/eventsourcing';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** It was made with another key or for another place, or was altered. */
export class NotReadable extends Fault {
  override readonly name = 'NotReadable';
  readonly code = 'registry/secret-not-readable';
  readonly remedy = 'give-up';
}

/**
 * AES-256-GCM under a random IV: IV, ciphertext, tag.
 *
 * @param place Additional data: what is read must be read as the same thing.
 * @see NIST SP 800-38D.
 */
export function encrypt(key: Buffer, plain: Buffer, place: JsonObject): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(canonicalJson(place)));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws {NotReadable} */
export function decrypt(key: Buffer, sealed: Buffer, place: JsonObject): Buffer {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new NotReadable('a ciphertext is too short');
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(canonicalJson(place)))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // The tag does not fit: nothing else can go wrong here. What the cipher says of it would tell whoever alters ciphertexts more than they should know.
    throw new NotReadable('a ciphertext was made with another key or for another place');
  }
}
