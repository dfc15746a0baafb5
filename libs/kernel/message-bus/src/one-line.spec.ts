import { assert, constantFrom, oneof, property, string } from 'fast-check';
import { oneLine } from './one-line';

/** What it means, character by character, however plain the text is. */
const slowly = (text: string, lengthMax: number): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, lengthMax);

const character = oneof(
  constantFrom(...' !a~\u007f\u0080\u00a0\u00e9\u2028\ufeff\r\n\t\u0000\u001f\ud800'),
  constantFrom(' ', 'x'),
  string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);

describe('one line', () => {
  it('is the same of plain text as of any other', () =>
    assert(
      property(
        string({ unit: character, maxLength: 12 }),
        constantFrom(0, 1, 3, 500),
        (text, lengthMax) => oneLine(text, lengthMax) === slowly(text, lengthMax),
      ),
      { numRuns: 20_000 },
    ));

  it.each([
    ['billing', 'billing'],
    ['one  two', 'one two'],
    [' at the ends ', 'at the ends'],
    ['a\r\nb\u0085c', 'a b c'],
    ['', ''],
  ])('of %j is %j', (text, line) => expect(oneLine(text)).toBe(line));

  it('is cut, however long the text and however late what is not plain in it', () => {
    expect(oneLine('a'.repeat(501))).toHaveLength(500);
    expect(oneLine(`${'a '.repeat(500_000)}\n`)).toHaveLength(500);
  });
});
