import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { z } from 'zod';
import { withSecrets } from './document';
import { discreetReasonOf, reasonOf } from './reason';
import { secret, Secret } from './secret';

const CANARY = 'canary-5f3a/"+ä';

const fail = (): never => {
  throw new Error('not to be looked at');
};
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a secret', () => {
  const hidden = new Secret(CANARY);

  it('is told to whoever asks for it', () => expect(hidden.reveal()).toBe(CANARY));

  it('shows itself in no other way', () => {
    const shown = [
      String(hidden),
      `${hidden}`,
      JSON.stringify({ hidden }),
      inspect({ hidden }, { depth: 9, showHidden: true, getters: true }),
      inspect(Object.entries(hidden)),
      JSON.stringify(structuredClone(hidden)),
      new Error('x', { cause: hidden }).stack ?? '',
      Object.getOwnPropertyNames(hidden).join(),
    ];
    for (const one of shown) expect(one).not.toContain('canary');
    expect(shown.slice(0, 4)).toEqual([
      '***',
      '***',
      '{"hidden":"***"}',
      '{ hidden: Secret(***) }',
    ]);
  });

  it('is what a schema makes of text and of secrets, and of nothing else', () => {
    const schema = z.object({ password: secret() });
    expect(schema.parse({ password: CANARY }).password.reveal()).toBe(CANARY);
    expect(schema.parse({ password: hidden }).password).toBe(hidden);
    expect(schema.safeParse({ password: 7 }).success).toBe(false);
    // Whoever forgot that it is secret does not get it as text.
    expect(z.object({ password: z.string() }).safeParse({ password: hidden }).success).toBe(false);
  });
});

describe('the secrets of a document', () => {
  const offer = (document: object, secrets: string[] = []) => ({
    ...{ config_version: '1', checksum: 'c', secrets },
    document: document as never,
  });
  const lookUp = (reference: string) => (reference === 'env:TOKEN' ? 'token' : undefined);

  it('are put where the pointers say, and where references are', async () => {
    const document = {
      'a/b': { '~': CANARY },
      list: ['open', { at: CANARY }],
      token: { $secret: { ref: 'env:TOKEN' } },
    };
    const found: Secret[] = [];
    const pointers = ['/a~1b/~0', '/list/1/at'];
    const value = await withSecrets(offer(document, pointers), lookUp, found);
    expect(value).toEqual({
      'a/b': { '~': expect.any(Secret) },
      list: ['open', { at: expect.any(Secret) }],
      token: expect.any(Secret),
    });
    expect(found.map((one) => one.reveal()).sort()).toEqual([CANARY, CANARY, 'token']);
  });

  it('that are not there are named', () =>
    expect(
      withSecrets(offer({ db: { password: { $secret: { ref: 'env:NOBODY' } } } }), lookUp),
    ).rejects.toThrow(
      '/db/password refers to env:NOBODY, which is not there, or not for configurations',
    ));

  it('make no prototype of a key', async () => {
    const value = await withSecrets(offer(JSON.parse('{"__proto__":{"a":1}}') as object), lookUp);
    expect(({} as { a?: number }).a).toBeUndefined();
    expect(Object.keys(value as object)).toEqual(['__proto__']);
  });
});

describe('why a configuration is refused', () => {
  it('repeats no secret, however it is written', () =>
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, unit: 'grapheme' }).filter((value) => !'***'.includes(value)),
        fc.string(),
        (value, around) => {
          const forms = [
            value,
            encodeURIComponent(value),
            encodeURIComponent(value).replace(/%../g, (escape) => escape.toLowerCase()),
            new URLSearchParams({ value }).toString().slice('value='.length),
            Buffer.from(value).toString('hex'),
            Buffer.from(value).toString('base64url'),
            Buffer.from(value).toString('base64').replace(/=+$/, ''),
          ];
          for (const form of forms) {
            const reason = reasonOf(new Error(`${around} ${form} ${around}`), [value]);
            expect(around.includes(form) || !reason.includes(form)).toBe(true);
          }
        },
      ),
    ));

  it.each([
    ['in the middle of base64', 'YW5hcnkt'],
    ['as one of its lines', 'line-two-of-it'],
    ['without the spaces around it', 'line-one-of-it'],
    ['in hexadecimal', Buffer.from('line-two-of-it').toString('hex').toUpperCase()],
  ])('repeats no secret %s', (_, form) => {
    const secrets = [CANARY, '  line-one-of-it\r\nline-two-of-it\n'];
    const basic = `Basic ${Buffer.from(`user:${CANARY}!`).toString('base64')}`;
    const lines = 'line-two-of-it line-one-of-it 6C696E652D74776F2D6F662D6974';
    const said = reasonOf(new Error(`401 for ${basic}: ${lines}`), secrets);
    expect(said).toMatch(/^401 for Basic /);
    expect(said).not.toContain(form);
  });

  it('is told to all by places, names and codes only, where there are secrets', () => {
    const wrong = z
      .object({
        db: z.object({ password: secret().refine(() => false, `${CANARY} is too short`) }),
      })
      .safeParse({ db: { password: CANARY } });
    const pg = Object.assign(new Error(`no ${[...CANARY].reverse().join('')}`), { code: '28P01' });
    const told = [wrong.error, pg, `text ${CANARY}`].map((one) => discreetReasonOf(one, []));
    expect(told).toEqual([
      expect.stringMatching(/^configuration\.db\.password: custom \(/),
      expect.stringMatching(/^Error 28P01 \(/),
      expect.stringMatching(/^no error was thrown \(/),
    ]);
    const odd = Object.assign(new Error('x'), { name: CANARY, code: `${CANARY} is not it` });
    expect(discreetReasonOf(odd, [])).toMatch(/^an error \(/);
  });

  it.each([
    ['nothing that can be text', Object.create(null)],
    ['an error without text', Object.assign(new Error('x'), { message: { of: 'it' } })],
    ['an error that fails', Object.defineProperty(new Error('x'), 'message', { get: fail })],
    ['what fails to be asked what it is', revoked()],
    ['nothing', undefined],
    ['a symbol', Symbol('x')],
  ])('can be said of %s', (_, thrown: unknown) => {
    for (const said of [reasonOf(thrown, [CANARY]), discreetReasonOf(thrown, [CANARY])])
      expect(said).toMatch(/^\S.{3,}$/);
  });

  it('is one visible line of at most 500 characters', () => {
    expect(reasonOf(new Error('a\r\n\u2028b\u202ec'))).toBe('a b c');
    expect(reasonOf(new Error('x'.repeat(900)))).toHaveLength(500);
    expect(reasonOf(new Error(`x${'😀'.repeat(500)}`))).toMatch(/^x\P{Cs}{249}$/u);
    expect(reasonOf(new Error(''))).toBe('no reason was given');
  });

  it('names the place and not the value', () => {
    const wrong = z
      .object({ db: z.object({ pool: z.number() }) })
      .safeParse({ db: { pool: CANARY } });
    expect(reasonOf(wrong.error)).toMatch(/^configuration\.db\.pool: .*expected number/);
    expect(reasonOf(wrong.error)).not.toContain('canary');
  });
});
