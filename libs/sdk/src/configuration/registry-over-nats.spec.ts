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

describe('the registry that is asked for a configuration over NATS', () => {
  it('gives the document that it sealed', async () => {
    const found = await sealing('{"password":"p"}').ask({ instance_id: 'billing-1' });
    expect(found?.offer?.document).toEqual({ password: 'p' });
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
