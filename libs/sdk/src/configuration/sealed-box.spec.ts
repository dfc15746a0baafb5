import { newBoxKey } from './sealed-box';
import { sealed } from './testing/sealed';

describe('a sealed box', () => {
  const key = newBoxKey();
  const box = sealed(key.publicKey, '{"ä":1}', 'sum');

  it('is opened by the key it is for', () => expect(key.open(box, 'sum')).toBe('{"ä":1}'));

  it('is opened by no other key', () => expect(() => newBoxKey().open(box, 'sum')).toThrow());

  it('belongs to its checksum', () => expect(() => key.open(box, 'other')).toThrow());

  it('cannot be changed or cut', () => {
    const bytes = Buffer.from(box.ciphertext, 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    for (const changed of [bytes, bytes.subarray(0, 8), Buffer.alloc(0)]) {
      const ciphertext = changed.toString('base64url');
      expect(() => key.open({ ...box, ciphertext }, 'sum')).toThrow();
    }
  });
});
