import { environmentOf, type Addresses } from './environment';
import { topology } from './topology';

const addresses: Addresses = {
  databaseUrl: 'postgres://postgres:owner@127.0.0.1:5432/downbeat',
  natsUrl: 'nats://127.0.0.1:4222',
  gatewayPort: 8_080,
  passwords: {
    registry: 'r/r',
    health: 'h',
    saga: 's',
    messaging: 'm',
    observability: 'o',
    audit: 'a',
  },
  logLevel: 'warn',
  dataDir: '/data',
  configurationKeyFile: '/data/configuration-key',
};
const environment = (name: string, inherited: NodeJS.ProcessEnv = {}) => {
  const plan = topology('/suite').find((each) => each.name === name);
  if (!plan) throw new Error(`there is no ${name}`);
  return environmentOf(plan, addresses, inherited);
};
const databases = (name: string) =>
  Object.entries(environment(name, { DATABASE_URL: addresses.databaseUrl, PGPASSWORD: 'owner' }))
    .filter(([, value]) => value?.includes('postgres://') || value?.includes('owner'))
    .map(([key]) => key);

describe('the environment of a process', () => {
  it.each([
    ['registry', ['DATABASE_URL_REGISTRY']],
    ['health', ['DATABASE_URL_HEALTH', 'DATABASE_URL_OBSERVABILITY']],
    ['saga', ['DATABASE_URL_SAGA']],
    ['orchestrator', ['DATABASE_URL_MESSAGING', 'DATABASE_URL_AUDIT']],
    ['gateway', []],
    ['venue', []],
  ])('of %s knows these databases: %j', (name, keys) => expect(databases(name)).toEqual(keys));

  it('names the role of the context', () => {
    expect(environment('registry')['DATABASE_URL_REGISTRY']).toBe(
      'postgres://downbeat_registry:r%2Fr@127.0.0.1:5432/downbeat',
    );
  });

  it('has the key of configurations in the registry alone, and its file unless keys are set', () => {
    const keysOf = (name: string, inherited: NodeJS.ProcessEnv = {}) =>
      Object.fromEntries(
        Object.entries(environment(name, inherited)).filter(([key]) => key.includes('CONFIG_KEY')),
      );
    const file = { DOWNBEAT_CONFIG_KEY_FILE: '/data/configuration-key' };
    expect(keysOf('registry')).toEqual(file);
    expect(keysOf('registry', { DOWNBEAT_CONFIG_KEY: '' })).toEqual(file);
    expect(keysOf('registry', { DOWNBEAT_CONFIG_KEY: 'new,old' })).toEqual({
      DOWNBEAT_CONFIG_KEY: 'new,old',
    });
    expect(keysOf('registry', { DOWNBEAT_CONFIG_KEY_FILE: '/k' })).toEqual({
      DOWNBEAT_CONFIG_KEY_FILE: '/k',
    });
    const inherited = { DOWNBEAT_CONFIG_KEY: 'k', DOWNBEAT_CONFIG_KEY_FILE: '/k' };
    for (const name of ['health', 'saga', 'orchestrator', 'gateway', 'venue'])
      expect(keysOf(name, inherited)).toEqual({});
  });

  it('passes on what is nobody else’s business, and says where to listen', () => {
    const inherited = { PATH: '/bin', OTEL_SDK_DISABLED: 'true', PORT: '1', npm_config_x: 'y' };
    expect(environment('gateway', inherited)).toEqual({
      PATH: '/bin',
      OTEL_SDK_DISABLED: 'true',
      NODE_ENV: 'development',
      DOWNBEAT_MODE: 'development',
      HOST: '127.0.0.1',
      PORT: '8080',
      NATS_URL: 'nats://127.0.0.1:4222',
      LOG_LEVEL: 'warn',
      SHUTDOWN_TIMEOUT_MS: '3000',
    });
    expect(environment('saga', inherited)['PORT']).toBe('0');
    expect(environment('venue')).toMatchObject({
      GATEWAY_URL: 'http://127.0.0.1:8080',
      DOWNBEAT_DATA_DIR: '/data',
    });
  });
});
