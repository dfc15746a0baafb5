import { randomBytes } from 'node:crypto';

/** A value that is nowhere else, and is known again in whatever form it went somewhere. */
export class Canary {
  readonly value: string;
  private readonly forms: readonly string[];

  constructor(name: string) {
    this.value = `canary-${name}-${randomBytes(12).toString('hex')}`;
    const hex = Buffer.from(this.value).toString('hex');
    const encoded = [0, 1, 2].flatMap((offset) => inBase64(this.value, offset));
    this.forms = [this.value, hex, hex.toUpperCase(), ...encoded];
  }

  isIn(said: string | Buffer): boolean {
    return this.forms.some((form) => said.includes(form));
  }
}

/** What stays the same of it in the middle of something longer, in both alphabets. */
function inBase64(value: string, offset: number): readonly string[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const firstOwn = Math.ceil((offset * 8) / 6);
  const lastOwn = Math.floor((bytes.length * 8) / 6);
  const own = (encoding: 'base64' | 'base64url') =>
    bytes.toString(encoding).slice(firstOwn, lastOwn);
  return [own('base64'), own('base64url')];
}
