import { Rejection } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { httpUrl, line, noneTwice, urlPath } from './fields';
import { validate } from './validate';

const refusal = (schema: z.ZodType, value: unknown): string | undefined => {
  const outcome = validate(schema, value);
  return outcome instanceof Rejection ? outcome.errors[0]?.message : undefined;
};

describe('a line', () => {
  it.each(['a', 'Łódź, 東京, مرحبا', 'e\u0301', '😀', 'a\u00a0b', "x'; drop table event; --"])(
    'may be %j',
    (text) => expect(refusal(line(100), text)).toBeUndefined(),
  );

  it.each([
    ['a line feed', '\n'],
    ['a carriage return', '\r'],
    ['NUL', '\u0000'],
    ['DEL', '\u007f'],
    ['the next line of C1', '\u0085'],
    ['a line separator', '\u2028'],
    ['a paragraph separator', '\u2029'],
    ['a direction override', '\u202e'],
    ['a direction isolate', '\u2066'],
    ['a direction mark', '\u200f'],
    ['a zero-width space', '\u200b'],
    ['a byte order mark', '\ufeff'],
    ['a soft hyphen', '\u00ad'],
    ['an invisible tag', '\u{e0041}'],
    ['half of a pair', '\ud83d'],
  ])('may not hold %s', (_, character) =>
    expect(refusal(line(100), `a${character}b`)).toMatch(/one line without control or invisible/),
  );

  it('has its length', () => {
    expect(refusal(line(3), 'abcd')).toMatch(/<=3 characters/);
    expect(refusal(line(3), '')).toBeDefined();
  });
});

describe('a URL', () => {
  it.each([
    'http://billing:3000',
    'HTTPS://billing.example/a/b?c=d&e=@#f@g',
    'http://[fd00::7]:80/',
    'http://10.0.0.7/@scope/package',
  ])('may be %s', (url) => expect(refusal(httpUrl, url)).toBeUndefined());

  it.each([
    'http://user:password@billing/',
    'http://user@billing',
    'http://:password@billing/a',
    'http://@billing',
    'http://a:b@c@billing/',
    'http://user:p%40ss@billing?x',
    'HTTP://user:password@billing',
  ])('may not hold who asks: %s', (url) =>
    expect(refusal(httpUrl, url)).toMatch(/must not hold a user or a password/),
  );

  it.each([
    'http:user:password@billing/',
    'http:\\\\user:password@billing',
    'http://x\\@billing/',
    'ht\ntp://billing',
    'http://billing/\r\nX-Admin: 1',
    'http://billing/a b',
    'http://billing/\u202e',
    'ftp://billing/',
    'javascript:alert(1)',
    '//billing/',
    'http://',
    '',
  ])('may not be %j', (url) => expect(refusal(httpUrl, url)).toBeDefined());
});

describe('a path', () => {
  it.each(['/', '/health', '/a/b;c=1/%20/@x'])('may be %s', (path) =>
    expect(refusal(urlPath, path)).toBeUndefined(),
  );
  it.each(['', 'health', '/a b', '/a\r\nb', '/a\u0085', '/\u202e', '/a?b', '/a#b'])(
    'may not be %j',
    (path) => expect(refusal(urlPath, path)).toMatch(/must be a path/),
  );
});

describe('a list of names', () => {
  const nameOf = (item: { readonly name: string } | string) =>
    typeof item === 'string' ? item : item.name;
  const list = z
    .array(z.union([z.string(), z.object({ name: z.string() })]))
    .superRefine(noneTwice(nameOf));

  it('has each once', () => expect(list.safeParse(['a', { name: 'b' }]).success).toBe(true));

  it('says which one is there again, however it is written', () =>
    expect(list.safeParse(['a', 'b', { name: 'a' }]).error?.issues).toMatchObject([
      { path: [2], message: 'names a a second time' },
    ]));
});
