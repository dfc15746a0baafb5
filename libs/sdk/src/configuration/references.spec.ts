import { contracts } from '@downbeat/contracts';
import { z } from 'zod';
import { HeldConfiguration } from './held-configuration';
import { lookUpAmong, VARIABLES_READ } from './references';
import { secret } from './secret';

const VARIABLES = { CONFIG_TOKEN: 'token-1', PASSWORD_OF_OTHERS: 'other-1', CONFIG_EMPTY: '' };

describe('what configurations refer to', () => {
  beforeAll(() => void Object.assign(process.env, VARIABLES));
  afterAll(() => {
    for (const name of Object.keys(VARIABLES)) Reflect.deleteProperty(process.env, name);
  });

  const taken = async (ref: string, variables?: readonly string[]) => {
    const schema = z.object({ value: secret() });
    const held = new HeldConfiguration(schema, variables ? { variables } : {});
    const document = { value: { $secret: { ref } } };
    const offer = { config_version: '1', checksum: 'c', document, secrets: [] };
    const verdict = await held.take(offer, new AbortController().signal);
    return verdict.outcome === 'applied' ? held.current.value.reveal() : verdict.reason;
  };
  const refused = (ref: string) =>
    `/value refers to ${ref}, which is not there, or not for configurations`;

  it('are the variables that are meant for them', async () => {
    expect(await taken('env:CONFIG_TOKEN')).toBe('token-1');
    expect(await taken('env:CONFIG_EMPTY')).toBe('');
    expect(await taken('env:PASSWORD_OF_OTHERS', ['PASSWORD_OF_OTHERS'])).toBe('other-1');
  });

  it('are all that the examples of the contracts name, without a word more', async () => {
    const named = JSON.stringify(contracts.registry.commands.map(({ example }) => example));
    const examples = [...named.matchAll(/env:(\w+)/g)].map(([, variable = '']) => variable);
    expect(examples).not.toEqual([]);
    for (const variable of examples)
      try {
        process.env[variable] = 'there';
        expect([variable, await lookUpAmong(VARIABLES_READ)(`env:${variable}`)]).toEqual([
          variable,
          'there',
        ]);
      } finally {
        Reflect.deleteProperty(process.env, variable);
      }
  });

  it.each([
    { ref: 'env:PASSWORD_OF_OTHERS' },
    { ref: 'env:PATH' },
    { ref: 'env:CONFIG_NOT_SET' },
    { ref: 'env:CONFIG_TOKEN', variables: ['CONFIG_'] },
    { ref: 'env:CONFIG_TOKEN', variables: [] },
    { ref: 'file:/etc/passwd' },
    { ref: 'file:/run/secrets/../../etc/passwd' },
    { ref: 'vault:a/b' },
    { ref: 'nothing' },
  ])('are not $ref of $variables, which is said without its value', async ({ ref, variables }) =>
    expect(await taken(ref, variables)).toBe(refused(ref)),
  );

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'are not what every object has: env:%s',
    async (name) => {
      expect(await lookUpAmong(['*'])(`env:${name}`)).toBeUndefined();
      expect(await taken(`env:${name}`, [name])).toBe(refused(`env:${name}`));
    },
  );
});
