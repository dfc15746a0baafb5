import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '@downbeat/local-servers';
import { SuiteError } from './suite-error';

/**
 * Makes the data directory, and sees that files can be written in it.
 *
 * @throws {SuiteError} It cannot be one.
 */
export function prepareDataDir(dataDir: string): void {
  const probe = join(dataDir, `probe.${process.pid}`);
  try {
    makeDirectory(dataDir);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new SuiteError(
      `${dataDir} cannot be the data directory: ${REASONS[code] ?? 'it cannot be made and written to'} (${code}); set DOWNBEAT_DATA_DIR to another one`,
      { cause: error },
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'it or what it is in is a file',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/** One by one: Node's recursive mkdir never returns where the kernel says ENOENT for ever, as in /proc. */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** @throws ENOTDIR when it is something else. */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory())
    throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR' });
  return found !== undefined;
}
