import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataDirLock } from './data-dir-lock';

describe('the lock on a data directory', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'data-dir-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is held by one, and free again after release', async () => {
    const lock = DataDirLock.take(folder);
    expect(() => DataDirLock.take(folder)).toThrow(
      `another suite (process ${process.pid}) runs on`,
    );
    lock.release();
    DataDirLock.take(folder).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    await writeFile(join(folder, 'lock'), `${pid} 12345`);
    DataDirLock.take(folder).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from a process whose id was given to another', async () => {
    await writeFile(join(folder, 'lock'), `${process.ppid} 1`);
    DataDirLock.take(folder).release();
  });

  it('is taken over when it says nothing that can be read', async () => {
    await writeFile(join(folder, 'lock'), '');
    DataDirLock.take(folder).release();
  });
});
