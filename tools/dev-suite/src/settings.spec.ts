import { readSettings } from './settings';

describe('the settings of npm start', () => {
  it('have defaults, and take an empty value for none', () => {
    expect(readSettings({ DATABASE_URL: '', GATEWAY_PORT: '' }, '/suite')).toEqual({
      gatewayPort: 8_080,
      dataDir: '/suite/.downbeat',
      databaseUrl: undefined,
      natsUrl: undefined,
      logLevel: 'info',
    });
  });

  it('keep an absolute data directory as it is', () => {
    expect(readSettings({ DOWNBEAT_DATA_DIR: '/data' }, '/suite').dataDir).toBe('/data');
  });

  it('are refused with every wrong one named', () => {
    const environment = {
      GATEWAY_PORT: '70000',
      DATABASE_URL: 'mysql://x',
      NATS_URL: 'x',
      LOG_LEVEL: 'loud',
    };
    expect(() => readSettings(environment, '/suite')).toThrow(
      /GATEWAY_PORT.*DATABASE_URL.*NATS_URL.*LOG_LEVEL/,
    );
  });
});
