import { access, chown, constants, mkdir, readdir, statfs, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataDirNotWritable, DiskFull } from './errors';
import { systemCode } from './system-error';

/** Makes `directory` ready for a server that will need `freeBytesMin` of disk. */
export async function prepareDataDir(
  server: string,
  directory: string,
  freeBytesMin: number,
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (isNoSpace(cause)) throw new DiskFull(server, directory, { cause });
    throw new DataDirNotWritable(directory, { cause });
  }
  const disk = await statfs(directory);
  if (disk.bavail * disk.bsize < freeBytesMin) throw new DiskFull(server, directory);
}

const isNoSpace = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');

/** The text of PostgreSQL, nats-server and libc for the same. */
export const saysNoSpace = (line: string): boolean =>
  /no space left on device|disk quota exceeded/i.test(line);

/** Gives a directory and all in it to a user; data of an earlier run may belong to another one. */
export async function giveTo(
  user: { readonly uid: number; readonly gid: number },
  path: string,
): Promise<void> {
  const entry = await lstat(path);
  if (entry.isSymbolicLink()) return;
  if (entry.uid !== user.uid) await chown(path, user.uid, user.gid);
  if (!entry.isDirectory()) return;
  for (const name of await readdir(path)) await giveTo(user, join(path, name)).catch(unlessGone);
}

/** A server that has just been killed is still removing files of its own. */
const unlessGone = (error: unknown): void => {
  if (systemCode(error) !== 'ENOENT') throw error;
};
