import { hash } from 'node:crypto';
import type { Json, JsonObject } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { payloadHashOf } from './payload-hash';

/** RFC 8785 as it reads, however long that takes. */
function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner as Json)}`).join()}}`;
}

describe('the hash of what a command says', () => {
  it('is that of its canonical form', () => {
    const anything = fc.jsonValue({ stringUnit: 'binary' });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), anything), (members) => {
        const payload = JSON.parse(JSON.stringify(members)) as JsonObject;
        expect(payloadHashOf(payload)).toBe(hash('sha256', canonical(payload)));
      }),
    );
  });

  it.each(['', '"', '\\', '\n', '\u007f', '\ud800', '\udc00\ud800', '😀', '\u2028'])(
    'holds %j as JSON writes it',
    (text) =>
      expect(payloadHashOf({ [text]: text })).toBe(
        hash('sha256', JSON.stringify({ [text]: text })),
      ),
  );

  it('is the same in whatever order members stand, and another for another value', () => {
    const [one, same] = [JSON.parse('{"b":1,"a":[{}]}'), JSON.parse('{"a":[{}],"b":1}')] as [
      JsonObject,
      JsonObject,
    ];
    expect(payloadHashOf(one)).toBe(payloadHashOf(same));
    expect(payloadHashOf(one)).not.toBe(payloadHashOf({ ...one, b: 2 }));
  });
});
