import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '@downbeat/local-servers';
import { SuiteError } from './suite-error';

/**
 * One suite at a time on a data directory. The lock is a file that names its holder; one whose
 * holder is gone, killed perhaps, is taken over.
 */
export class DataDirLock {
  private constructor(
    private readonly path: string,
    private readonly holder: string,
  ) {}

  /** @throws {SuiteError} Another suite runs on it. */
  static take(dataDir: string): DataDirLock {
    const path = join(dataDir, 'lock');
    const holder = describe(process.pid);
    const own = `${path}.${process.pid}`;
    writeFileSync(own, holder, { mode: 0o600 });
    try {
      for (;;) {
        const other = linkOrRead(own, path);
        if (other === undefined) return new DataDirLock(path, holder);
        if (isRunning(other))
          throw new SuiteError(
            `another suite (process ${pidOf(other)}) runs on ${dataDir}; stop it, or set DOWNBEAT_DATA_DIR`,
          );
        removeStale(path, other);
      }
    } finally {
      rmSync(own, { force: true });
    }
  }

  release(): void {
    if (read(this.path) === this.holder) rmSync(this.path, { force: true });
  }
}

/** Takes the lock, which only one process can, or says who has it. */
function linkOrRead(own: string, path: string): string | undefined {
  try {
    linkSync(own, path);
    return undefined;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return read(path) ?? '';
  }
}

/** Moves it aside first: of several processes that find it stale, only one gets this very file. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  // Somebody else was faster, and this is their new lock: give it back.
  if (read(aside) !== stale) linkOrRead(aside, path);
  rmSync(aside, { force: true });
}

/** Process ids are given out again, so its time of birth belongs to it, where that can be seen. */
const describe = (pid: number): string => `${pid} ${birthOf(pid)}`;
const pidOf = (holder: string): number => Number(holder.split(' ')[0]);

function isRunning(holder: string): boolean {
  const pid = pidOf(holder);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  return describe(pid) === holder;
}

/** Field 22 of proc(5) stat; the name in field 2 may hold spaces. */
const birthOf = (pid: number): string =>
  read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')[19] ?? '';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
