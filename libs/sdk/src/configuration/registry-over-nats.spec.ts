import { inspect } from 'node:util';
import { RegistryRefused, RegistrySilent } from './configuration-source';
import { RegistryOverNats } from './registry-over-nats';
import { sealed } from './testing/sealed';

const CANARY = 'canary-71c0';
const CHECKSUM = `sha256:${'0'.repeat(64)}`;
const QUOTED = ['', '"', '{"password": ', '{"password": "'];

/** A registry whose answer is made of the question. */
const registry = (answer: (publicKey: string) => string) =>
  new RegistryOverNats(
    {
      request: (_, body) => {
        const { input } = JSON.parse(body) as { input: { public_key: string } };
        return Promise.resolve({ body: answer(input.public_key) } as never);
      },
      subscribe: () => () => undefined,
      onConnected: () => () => undefined,
    },
    { service_id: 'billing', environment: 'production' },
  );
const sealing = (opened: string) =>
  registry((publicKey) => {
    const said = {
      config_version: '7',
      checksum: CHECKSUM,
      activation: 1,
      is_changed: true,
      secrets: [],
    };
    const data = { ...said, sealed: sealed(publicKey, opened, CHECKSUM) };
    return JSON.stringify({ ok: true, data, position: 1 });
  });
const faultOf = async (source: RegistryOverNats): Promise<unknown> => {
  const asked = source.ask({ instance_id: 'billing-1' });
  return asked.then(
    () => Promise.reject(new Error('it was taken')),
    (fault: unknown) => fault,
  );
};

const refusing = (code: string) =>
  registry(() =>
    JSON.stringify({ ok: false, problem: { code, kind: 'conflict', message: 'no', errors: [] } }),
  );

describe('the registry that is asked for a configuration over NATS', () => {
  it('gives the document that it sealed', async () => {
    const found = await sealing('{"password":"p"}').ask({ instance_id: 'billing-1' });
    expect(found).toHaveProperty('offer.document', { password: 'p' });
  });

  it.each([
    ['no-configuration-in-force', 'none'],
    ['configuration-not-in-history', 'not-in-history'],
  ])('has none in force: %s', async (code, said) => {
    expect(await refusing(code).ask({ instance_id: 'billing-1' })).toBe(said);
  });

  it('has none in force, when it is too old to know of activations', async () => {
    const asked = { instance_id: 'billing-1', checksum: CHECKSUM };
    const refused = refusing('invalid-input');
    expect(await refused.ask({ ...asked, activation: 3 })).toBe('none');
    await expect(refused.ask(asked)).rejects.toThrow(RegistryRefused);
  });

  it.each(QUOTED)(
    'is refused without a word of what it sealed, when that is no JSON: %s',
    async (before) => {
      const fault = await faultOf(sealing(`${before}${CANARY}`));
      expect(fault).toBeInstanceOf(RegistryRefused);
      expect((fault as Error).message).toBe(
        'the configuration that the registry sealed is no JSON',
      );
      expect(inspect(fault, { depth: null, showHidden: true })).not.toContain('canary');
    },
  );

  it.each(QUOTED)('is not quoted when its answer is no JSON: %s', async (before) => {
    const fault = await faultOf(registry(() => `${before}${CANARY}`));
    expect(fault).toBeInstanceOf(RegistrySilent);
    expect(inspect(fault, { depth: null, showHidden: true })).not.toContain('canary');
  });
});
