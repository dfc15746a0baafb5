import type { Owner } from './data-keys';
import { decrypt, encrypt, NotReadable } from './envelope';
import type { KeyRing, MasterKey } from './key-ring';

/** `s1.<key id>.<envelope>`: the contract knows its shape. */
const TOKEN = /^s1\.([0-9a-f]{16})\.([A-Za-z0-9_-]+)$/;

/** What stands for a value on its way into a configuration of this service and environment. */
export function sealedToken({ id, sealing }: MasterKey, owner: Owner, value: string): string {
  const sealed = encrypt(sealing, Buffer.from(value), placeOf(owner));
  return `s1.${id}.${sealed.toString('base64url')}`;
}

/** @returns undefined when it was not sealed for them, or with no key that is known. */
export function openToken(ring: KeyRing, owner: Owner, token: string): Buffer | undefined {
  const [, keyId = '', sealed = ''] = TOKEN.exec(token) ?? [];
  const key = ring.of(keyId);
  if (!key) return undefined;
  try {
    return decrypt(key.sealing, Buffer.from(sealed, 'base64url'), placeOf(owner));
  } catch (fault) {
    if (!(fault instanceof NotReadable)) throw fault;
    return undefined;
  }
}

const placeOf = ({ service_id, environment }: Owner) => ({ service_id, environment });
