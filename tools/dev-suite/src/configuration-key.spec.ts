import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationKeyFile } from './configuration-key';

describe('the key of configurations', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'downbeat-key-'));
  afterAll(() => rmSync(dataDir, { recursive: true }));

  it('is 32 bytes, made once, and nobody else’s to read', () => {
    const path = configurationKeyFile(dataDir);
    const first = readFileSync(path, 'utf8');
    expect(Buffer.from(first, 'base64')).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    expect(configurationKeyFile(dataDir)).toBe(path);
    expect(readFileSync(path, 'utf8')).toBe(first);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toHaveLength(1);
  });
});
