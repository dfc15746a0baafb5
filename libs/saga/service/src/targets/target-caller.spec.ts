import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import { ANSWER_KEYS_MAX, messageOf, resultOfBody } from './target-caller';

describe('what a refusing answer says', () => {
  it.each([
    ['{"detail":"sold out","title":"no"}', 'sold out'],
    ['{"message":"sold\\n  out"}', 'sold out'],
    ['{"error":{"code":7}}', ''],
    ['<h1>gone</h1>', '<h1>gone</h1>'],
    ['', ''],
  ])('%s', (body, said) => {
    // The status is said by whoever knows it, once.
    expect(messageOf(body)).toBe(said);
  });

  it('is cut where it is long', () => {
    expect(messageOf(JSON.stringify({ detail: 'x'.repeat(1_000) }))).toHaveLength(300);
  });
});

describe('an answer that cannot be taken', () => {
  it('may have had its effect', () => {
    expect(resultOfBody('{"__proto__":{"a":1}}')).toMatchObject({ kind: 'broken' });
    expect(resultOfBody('{"id":1}')).toEqual({ kind: 'ok', output: { id: 1 } });
  });

  it.each([
    ['plain letters', 'x', 1],
    ['letters of three bytes', '€', 3],
  ])('had it when it is too large: %s', (_, letter, each) => {
    const text = (bytes: number) => letter.repeat(bytes / each) + 'x'.repeat(bytes % each);
    expect(resultOfBody(text(PAYLOAD_BYTES_MAX - 3 * each))).toMatchObject({ kind: 'ok' });
    expect(resultOfBody(text(PAYLOAD_BYTES_MAX + each))).toMatchObject({ kind: 'oversized' });
  });

  it('has more than a hundred thousand places', () => {
    const places = (count: number) => JSON.stringify(Array.from({ length: count }, () => 1));
    expect(resultOfBody(places(ANSWER_KEYS_MAX))).toMatchObject({ kind: 'ok' });
    expect(resultOfBody(places(ANSWER_KEYS_MAX + 1))).toMatchObject({ kind: 'broken' });
  });
});
