import { hostConfig } from './host-config';
import { loadConfig } from './load-config';

describe('the settings of every process', () => {
  const refused = (environment: Record<string, string>) => () =>
    loadConfig(hostConfig, { NATS_URL: 'nats://bus:4222', ...environment });

  it.each(['nats://a:4222', 'tls://user:pass@a:4222', 'nats://a:4222,nats://b:4222'])(
    'take a bus at %s',
    (NATS_URL) => {
      expect(loadConfig(hostConfig, { NATS_URL }).NATS_URL).toBe(NATS_URL);
    },
  );

  it.each([
    [{ NATS_URL: 'http://a' }, 'NATS_URL'],
    [{ NATS_URL: 'nats://a,nonsense' }, 'NATS_URL'],
    [{ PORT: '65536' }, 'PORT'],
    [{ PORT: '1.5' }, 'PORT'],
    [{ NATS_PREFIX: 'a.b' }, 'NATS_PREFIX'],
    [{ LOG_NAME: 'log"; drop' }, 'LOG_NAME'],
    [{ DOWNBEAT_MODE: 'prod' }, 'DOWNBEAT_MODE'],
    [{ DOWNBEAT_ZONE: 'North 1' }, 'DOWNBEAT_ZONE'],
    [{ SHUTDOWN_TIMEOUT_MS: '0' }, 'SHUTDOWN_TIMEOUT_MS'],
  ])('refuse %j', (environment, key) => {
    expect(refused(environment)).toThrow(key);
  });

  it('never repeat a value that may be a secret', () => {
    expect(refused({ NATS_URL: 'htp://user:hunter2@bus' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') as string }),
    );
  });
});
