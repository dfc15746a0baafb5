import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidConfig, loadConfig } from './load-config';

const schema = z.object({
  NATS_URL: z.url({ protocol: /^nats$/ }),
  PORT: z.coerce.number().int().default(0),
});

describe('the configuration', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'load-config-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  const fileWith = (text: string): string => {
    const path = join(directory, 'setting');
    writeFileSync(path, text);
    return path;
  };
  const problemsOf = (environment: Record<string, string>): unknown => {
    try {
      loadConfig(schema, environment);
    } catch (fault) {
      if (fault instanceof InvalidConfig) return fault.problems;
      throw fault;
    }
    return [];
  };

  it('comes from the environment, an empty value being none', () => {
    expect(loadConfig(schema, { NATS_URL: 'nats://bus:4222', PORT: '' })).toEqual({
      NATS_URL: 'nats://bus:4222',
      PORT: 0,
    });
  });

  it.each(['nats://bus:4222', 'nats://bus:4222\n', 'nats://bus:4222\r\n'])(
    'comes from a file that a setting names: %j',
    (text) => {
      expect(loadConfig(schema, { NATS_URL_FILE: fileWith(text) }).NATS_URL).toBe(
        'nats://bus:4222',
      );
    },
  );

  it('is refused with every wrong key, not only the first', () => {
    expect(problemsOf({ PORT: 'many' })).toEqual([
      { key: 'NATS_URL', message: 'is missing' },
      { key: 'PORT', message: expect.stringContaining('expected number') },
    ]);
  });

  it('is refused for what a file holds as for what is set', () => {
    expect(problemsOf({ NATS_URL_FILE: fileWith('http://bus') })).toEqual([
      { key: 'NATS_URL', message: 'invalid URL' },
    ]);
  });

  it('is refused when a file is not there, in one line that names the setting', () => {
    expect(problemsOf({ NATS_URL_FILE: join(directory, 'absent') })).toEqual([
      { key: 'NATS_URL_FILE', message: 'names a file that cannot be read: ENOENT' },
    ]);
  });

  it('is refused when a setting and its file are both given', () => {
    expect(problemsOf({ NATS_URL: 'nats://a', NATS_URL_FILE: fileWith('nats://b') })).toEqual([
      { key: 'NATS_URL_FILE', message: 'and NATS_URL are both set, which must not be' },
    ]);
  });

  it('never takes a file for a key that it does not know', () => {
    expect(loadConfig(schema, { NATS_URL: 'nats://a', OTHER_FILE: '/absent' }).PORT).toBe(0);
  });
});
