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
const bodyOf = (text: string, bytes?: number) =>
  shownLetter(row({ text, ...(bytes === undefined ? {} : { body_bytes: bytes }) })).body;

describe('a dead letter as it is shown', () => {
  it('has its body parsed when it is JSON', () =>
    expect(bodyOf('{"port":"x"}')).toEqual({ port: 'x' }));

  it.each(['{', '', 'a \u0000 b'])('has %j as text', (text) => expect(bodyOf(text)).toBe(text));

  it.each(['['.repeat(60_000) + ']'.repeat(60_000), '{"__proto__":{"a":1}}'])(
    'has JSON that could do harm as text',
    (text) => expect(bodyOf(text)).toBe(text),
  );

  it('says when its body was cut', () =>
    expect(bodyOf('{"a":', 500)).toBe('{"a":… (cut, 500 bytes in all)'));

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
