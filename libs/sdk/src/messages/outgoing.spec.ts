import { messagingContract } from '@downbeat/contracts';
import { headers as natsHeaders } from 'nats';
import * as fc from 'fast-check';
import { z } from 'zod';
import { MessageTooLarge } from './errors';
import { reasonOf } from './events';
import { wrongHeaders } from './headers';
import { outgoing } from './outgoing';
import { topic } from './topic';

const { bytesOfMessage, bytesOfMessageMax } = messagingContract;
const note = topic('note', z.object({ text: z.string() }));
const written = (text: string, payloadMax?: number) =>
  outgoing(note, { text }, { messageId: 'm' }, 'shop', payloadMax);

describe('a message on its way out', () => {
  it('is as large as its payload and its headers, and one byte more is too many', () => {
    const { body, headers } = written('');
    const rest = bytesOfMessageMax(4_096) - bytesOfMessage(body, headers);
    expect(() => written('x'.repeat(rest), 4_096)).not.toThrow();
    const tooLarge = new MessageTooLarge('note', 4_096 - 256 + 1, 4_096 - 256);
    expect(() => written('x'.repeat(rest + 1), 4_096)).toThrow(tooLarge);
  });

  it('repeats only itself: another text under the same id, or the same from another, is not taken for it', () => {
    const duplicateId = (text: string, sender = 'shop'): string | undefined =>
      outgoing(note, { text }, { messageId: 'm' }, sender, undefined).headers['Nats-Msg-Id'];
    expect(duplicateId('a')).toBe(duplicateId('a'));
    const ids = [duplicateId('a'), duplicateId('b'), duplicateId('a', 'mail')];
    expect(new Set(ids).size).toBe(3);
    expect(duplicateId('a')).toMatch(/^shop\/note\/m [\w-]{43}$/);
  });

  it('is never larger than the suite takes, whatever the server takes', () => {
    expect(bytesOfMessageMax(8 * 2 ** 20)).toBe(bytesOfMessageMax());
    expect(bytesOfMessageMax(65_536)).toBeLessThan(65_536);
  });

  it.each([
    [{ messageId: '' }],
    [{ messageId: 'x'.repeat(151) }],
    [{ correlationId: 'a\r\nb' }],
    [{ traceparent: 'a\nb' }],
    [{ headers: { 'Nats-Rollup': 'all' } }],
    [{ headers: { 'Downbeat-Dead-Letter': 'x' } }],
    [{ headers: { TraceParent: 'x' } }],
    [{ headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, ''])) }],
  ])('does not go with %j', (enclosed) =>
    expect(() => outgoing(note, { text: '' }, enclosed, 'shop', undefined)).toThrow(
      expect.objectContaining({ outcome: 'not-sent' }),
    ),
  );

  it('is not what its subscribers would have to refuse', () => {
    const open = topic('open', z.any());
    const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
    for (const message of [deep, Array.from({ length: 10_001 }, () => 0)])
      expect(() => outgoing(open, message, {}, 'shop', undefined)).toThrow(
        expect.objectContaining({ outcome: 'not-sent' }),
      );
  });

  it('names a topic that has a name', () =>
    expect(() => topic('Orders.Placed', z.any())).toThrow(RangeError));
});

describe('headers', () => {
  it('weigh what the client sends', () => {
    const values = fc.string({ unit: 'grapheme-ascii', maxLength: 50 });
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 10 }), (texts) => {
        const all = Object.fromEntries(texts.map((text, n) => [`Name-${n}`, text.trim()]));
        const made = natsHeaders();
        for (const [name, value] of Object.entries(all)) made.set(name, value);
        const { length } = (made as unknown as { encode: () => Uint8Array }).encode();
        expect(bytesOfMessage('', all)).toBe(length);
      }),
    );
  });

  it('may be anything else', () =>
    expect(wrongHeaders({ tenant: 'nörd', 'x-y': '' })).toBe(undefined));
});

describe('a reason', () => {
  it('is one line that a dead letter can hold, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const reason = reasonOf(new Error(text));
        expect(reason).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,500}$/u);
      }),
    );
    for (const thrown of [undefined, null, '', new Error(''), { a: 1 }])
      expect(reasonOf(thrown).length).toBeGreaterThan(0);
  });
});
