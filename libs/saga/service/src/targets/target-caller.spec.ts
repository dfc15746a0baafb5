import { messageOf, resultOfBody } from './target-caller';

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
});
