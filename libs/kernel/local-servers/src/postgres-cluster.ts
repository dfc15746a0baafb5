import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DiskFull, ServerNotStarted } from './errors';
import { endsWithin, GuardedProcess } from './guarded-process';
import { giveTo, saysNoSpace } from './data-dir';
import { otherServerEnded } from './other-server';
import type { PostgresBinaries } from './postgres-binaries';

const INITDB_WITHIN_MS = 120_000;

export type User = { readonly uid: number; readonly gid: number };

/** The files of one PostgreSQL server under a data directory. */
export interface Cluster {
  /** What PostgreSQL calls its data directory. */
  readonly directory: string;
  readonly password: string;
}

/** PostgreSQL refuses to run as root, so root hands it to `nobody`, who exists everywhere. */
export const serverUser = (): User | undefined =>
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

/**
 * How the server itself names its data directory. By its working directory where the system
 * allows: the way there may lead through a folder that is closed to its user, such as /root.
 */
export const seenByServer = (directory: string): string =>
  process.platform === 'linux' ? '/proc/self/cwd' : directory;

/** Opens the cluster in `dataDir`, or makes a new one with a random password. */
export async function openCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  user: User | undefined,
  deadline: number,
  log: (line: string) => void = () => undefined,
): Promise<Cluster> {
  const directory = join(dataDir, 'cluster');
  const passwordFile = join(dataDir, 'password');
  if (!(await exists(join(directory, 'PG_VERSION'))))
    await makeCluster(directory, passwordFile, binaries, user, log);
  if (user) await giveTo(user, directory);
  const pidFile = join(directory, 'postmaster.pid');
  await otherServerEnded({ server: 'PostgreSQL', directory, pidFile }, deadline);
  return { directory, password: (await readFile(passwordFile, 'utf8')).trim() };
}

/** In a folder beside it, moved into place when complete: a start that is cut short leaves no half. */
async function makeCluster(
  directory: string,
  passwordFile: string,
  binaries: PostgresBinaries,
  user: User | undefined,
  log: (line: string) => void,
): Promise<void> {
  const nursery = `${directory}.new`;
  await rm(nursery, { recursive: true, force: true });
  await mkdir(nursery, { mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  const paths = [nursery, passwordFile];
  if (user) for (const path of paths) await chown(path, user.uid, user.gid);

  const password = await open(passwordFile);
  try {
    await initdb(nursery, password.fd, binaries, user, log);
  } finally {
    await password.close();
  }
  if (user) await chown(passwordFile, 0, 0);
  await rename(nursery, directory);
}

async function initdb(
  directory: string,
  passwordFd: number,
  binaries: PostgresBinaries,
  user: User | undefined,
  log: (line: string) => void,
): Promise<void> {
  const lines: string[] = [];
  const program = await GuardedProcess.spawn({
    command: binaries.initdb,
    args: [
      ...['-D', seenByServer(directory), '-U', 'postgres', '--pwfile=/dev/stdin'],
      ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--locale-provider=builtin'],
      '--builtin-locale=C.UTF-8',
    ],
    env: serverEnvironment(binaries),
    cwd: directory,
    stdin: passwordFd,
    ...(user ? { user } : {}),
    deathSignal: 'SIGKILL',
    onLine: (line) => {
      lines.push(line);
      log(line);
    },
  });
  if (!(await endsWithin(program.exited, INITDB_WITHIN_MS))) program.kill('SIGKILL');
  const { code } = await program.exited;
  await program.drained();
  if (code === 0) return;
  if (lines.some(saysNoSpace)) throw new DiskFull('PostgreSQL', dirname(directory));
  throw new ServerNotStarted('PostgreSQL', `initdb failed (${whyItEnded(lines)})`);
}

/** The first complaint among a PostgreSQL program's lines, or the last line. */
export const whyItEnded = (lines: readonly string[]): string =>
  lines.find((line) => /FATAL|PANIC|error/.test(line)) ?? lines.at(-1) ?? 'it said nothing';

/** Nothing of this process's own environment: PGDATA and the like would change what is started. */
export const serverEnvironment = (binaries: PostgresBinaries): NodeJS.ProcessEnv => ({
  PATH: `${dirname(binaries.postgres)}:/usr/local/bin:/usr/bin:/bin`,
  LC_ALL: 'C',
  TZ: 'UTC',
});

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
