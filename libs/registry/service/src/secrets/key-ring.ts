import { createHash, hkdfSync } from 'node:crypto';

/** A key that is never in the database, as what is made of it. */
export interface MasterKey {
  /** Says nothing about the key, and is the same for the same key. */
  readonly id: string;
  /** Data keys are under it. */
  readonly wrapping: Buffer;
  /** What `seal-secret` hands out is under it. */
  readonly sealing: Buffer;
}

const KEY_BYTES = 32;
const ID_CHARS = 16;

/** The keys of this process: one for what is new, and those it still can read with. */
export class KeyRing {
  private readonly keys: readonly MasterKey[];

  /** @param text Keys in base64 or base64url, joined by commas; the first is the current one. */
  constructor(text: string | undefined) {
    this.keys = (text ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one) => masterKey(Buffer.from(one, 'base64')));
  }

  get current(): MasterKey | undefined {
    return this.keys[0];
  }

  get ids(): readonly string[] {
    return this.keys.map(({ id }) => id);
  }

  of(id: string): MasterKey | undefined {
    return this.keys.find((one) => one.id === id);
  }
}

/** One purpose, one key. */
function masterKey(bytes: Buffer): MasterKey {
  const derived = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', bytes, '', `downbeat ${purpose}`, KEY_BYTES));
  const id = createHash('sha256').update(derived('key id')).digest('hex').slice(0, ID_CHARS);
  return { id, wrapping: derived('wrap data keys'), sealing: derived('seal secrets') };
}
