import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { DataDirInUse } from './errors';
import { systemCode } from './system-error';

const ENDS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

export interface ServerPlace {
  readonly server: string;
  /** Where it runs: its working directory. */
  readonly directory: string;
  /** Begins with its process id. */
  readonly pidFile: string;
}

/**
 * A server whose launcher was killed may need a moment to end, and two on one directory would spoil what is in it.
 * What a killed server leaves behind is not in the way, also when its process id has been given to somebody else
 * since.
 *
 * @throws {DataDirInUse} It is still there after ten seconds, or at the deadline.
 */
export async function otherServerEnded(place: ServerPlace, deadline: number): Promise<void> {
  const patience = Math.min(deadline, Date.now() + ENDS_WITHIN_MS);
  for (;;) {
    const pid = await pidIn(place.pidFile);
    if (pid === undefined || !isAlive(pid)) return;
    if (!(await couldRunIn(place.directory, pid))) {
      await rm(place.pidFile, { force: true });
      return;
    }
    if (Date.now() > patience) throw new DataDirInUse(place.server, place.directory, pid);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function pidIn(file: string): Promise<number | undefined> {
  try {
    const [pid] = (await readFile(file, 'utf8')).split('\n');
    return pid ? Number(pid) : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Where the working directory of a process cannot be seen, it may be this one. */
async function couldRunIn(directory: string, pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(directory));
  } catch (error) {
    // That of another user cannot be seen; a server runs as the user of its launcher, or root launches it.
    return systemCode(error) !== 'EACCES' && isAlive(pid);
  }
}
