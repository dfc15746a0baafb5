import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile } from './log-file';

describe('a log file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'log-file-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('goes on where the last run ended', async () => {
    for (const line of ['first', 'second']) {
      const log = new LogFile(folder, 'saga');
      log.write(line);
      log.close();
    }
    expect(await readFile(join(folder, 'saga.log'), 'utf8')).toBe('first\nsecond\n');
  });

  it('keeps the newest lines in three files of bounded size', async () => {
    const log = new LogFile(folder, 'saga', 100);
    for (let number = 0; number < 1_000; number++) log.write(`line ${number}`);
    log.close();
    expect((await readdir(folder)).sort()).toEqual(['saga.log', 'saga.log.1', 'saga.log.2']);
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).size).toBeLessThan(120);
    expect(await readFile(join(folder, 'saga.log'), 'utf8')).toContain('line 999\n');
  });
});
