import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTo } from './data-dir';

/** Lists what is gone before anybody can look at it, as a server's files are while it ends. */
jest.mock('node:fs/promises', () => {
  const real = jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises');
  return { ...real, readdir: async (path: string) => ['gone', ...(await real.readdir(path))] };
});

describe('a data directory that changes hands', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'data-dir-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const owner = () => statSync(directory);

  it('may lose files meanwhile: the server that held it is still ending', async () => {
    writeFileSync(join(directory, 'here'), '');
    await expect(giveTo(owner(), directory)).resolves.toBeUndefined();
  });

  it('must be there itself', async () => {
    await expect(giveTo(owner(), join(directory, 'gone'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
