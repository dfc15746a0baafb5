import { Canary } from './canary';

describe('a canary', () => {
  const canary = new Canary('test');
  const forms: readonly (readonly [string, (text: string) => string])[] = [
    ['as it is', (text) => text],
    ['in hexadecimal', (text) => Buffer.from(text).toString('hex')],
    ['in capital hexadecimal', (text) => Buffer.from(text).toString('hex').toUpperCase()],
    ['in base64', (text) => Buffer.from(text).toString('base64')],
    ['in base64url', (text) => Buffer.from(text).toString('base64url')],
    ['in JSON', (text) => JSON.stringify({ text })],
    ['in an address', (text) => encodeURIComponent(text)],
  ];

  it.each(forms)('is found %s, wherever it stands', (_, encoded) => {
    for (const before of ['', '?', '??', '???', '????'])
      for (const after of ['', '>', '>>', '>>>']) {
        expect(canary.isIn(encoded(`${before}${canary.value}${after}`))).toBe(true);
        expect(canary.isIn(Buffer.from(encoded(`${before}${canary.value}${after}`)))).toBe(true);
      }
  });

  it.each(forms)('is not taken for another one %s', (_, encoded) =>
    expect(canary.isIn(encoded(new Canary('test').value))).toBe(false),
  );
});
