import { shownLetter, type LetterRow } from './shown-letter';

const row = (changed: Partial<LetterRow> & { readonly text?: string }): LetterRow => {
  const body = Buffer.from(changed.text ?? '{}');
  return {
    id: '0198c2a4-7d1e-8c3b-9a52-3f1f0a9f3c11',
    subject: 'command.registry.RegisterService.billing',
    consumer: 'registry-commands',
    message_id: 'm-1',
    reason: 'bad',
    cause: 'abcd',
    attempts: 1,
    status: 'quarantined',
    redrives: 0,
    revision: 1,
    is_purged: false,
    headers: {},
    body,
    body_bytes: body.length,
    correlation_id: 'k-1',
    quarantined_at: new Date(0),
    changed_at: new Date(1),
    resolution: null,
    ...changed,
  };
};
const letterOf = (body: Buffer | string, bytes?: number) => {
  const buffer = Buffer.from(body as string);
  return shownLetter(row({ body: buffer, body_bytes: bytes ?? buffer.length }));
};

describe('a dead letter as it is shown', () => {
  it('names the trace it belongs to, where it has one', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const of = (traceparent: string) => shownLetter(row({ headers: { traceparent } })).trace_id;
    expect(of(`00-${trace}-b7ad6b7169203331-01`)).toBe(trace);
    for (const odd of ['', 'x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-${trace}`])
      expect(of(odd)).toBeUndefined();
  });

  it('has its body exactly, and parsed beside it when it is JSON', () =>
    expect(letterOf('{ "port":"x"}\n')).toMatchObject({
      body: '{ "port":"x"}\n',
      body_encoding: 'utf-8',
      body_bytes: 14,
      is_body_cut: false,
      body_json: { port: 'x' },
    }));

  it.each([
    '123456789012345678901234567890',
    '{"a": 1.10, "b": "\\u00e9"}',
    '{',
    '',
    'null',
    'a \u0000 b',
    '\ufeff{}',
    '1e999',
    '{"a":1,"a":2}',
    '{"__proto__":{"a":1}}',
    '['.repeat(60_000) + ']'.repeat(60_000),
  ])('has every character of %j', (text) => expect(letterOf(text).body).toBe(text));

  it.each(['{', '', '1e999', '{"a":1,"a":2}', '{"__proto__":{"a":1}}', '['.repeat(60_000)])(
    'has nothing parsed of %j',
    (text) => expect(letterOf(text)).not.toHaveProperty('body_json'),
  );

  it('has null parsed when null is what came', () =>
    expect(letterOf('null')).toHaveProperty('body_json', null));

  it('has its bytes in base64 when they are not UTF-8', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
    const letter = letterOf(bytes);
    expect(letter).toMatchObject({ body_encoding: 'base64', body_bytes: 4, is_body_cut: false });
    expect(Buffer.from(letter.body, 'base64')).toEqual(bytes);
    expect(letter).not.toHaveProperty('body_json');
  });

  it.each([
    ['{"a":', '{"a":'],
    [Buffer.from('aé').subarray(0, 2), 'a'],
    [Buffer.from('a😀').subarray(0, 4), 'a'],
    ['12', '12'],
  ])('says when its body was cut, and shows no half of a character: %j', (body, shown) => {
    const letter = letterOf(body, 500);
    expect(letter).toMatchObject({
      body: shown,
      body_encoding: 'utf-8',
      body_bytes: 500,
      is_body_cut: true,
    });
    expect(letter).not.toHaveProperty('body_json');
  });

  it('fits into an answer, whatever was sent', () => {
    const BODY_BYTES_MAX = 131_072;
    for (const part of ['1e20,', '"",', '\u0001', '\\"'])
      for (const text of [part.repeat(9_000), `[${part.repeat(9_000)}1]`]) {
        const cut = Buffer.from(text).subarray(0, BODY_BYTES_MAX);
        expect(JSON.stringify(letterOf(cut)).length).toBeLessThan(900_000);
      }
    expect(letterOf(`[${'1e20,'.repeat(20_000)}1]`)).not.toHaveProperty('body_json');
  });

  it('has headers of a bounded size', () => {
    const headers = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`h${n}`, 'x'.repeat(100_000)]),
    );
    expect(JSON.stringify(shownLetter(row({ headers }))).length).toBeLessThan(100_000);
  });

  it('was resolved when it was redriven or discarded, and not before', () => {
    expect(shownLetter(row({})).resolved_at).toBeUndefined();
    expect(shownLetter(row({ status: 'redriving' })).resolved_at).toBeUndefined();
    const discarded = shownLetter(row({ status: 'discarded', resolution: 'a test' }));
    expect(discarded).toMatchObject({
      resolved_at: '1970-01-01T00:00:00.001Z',
      resolution: 'a test',
    });
  });
});
