import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BinaryMissing } from './errors';

/** How one platform's package manager brings nats-server. */
interface PackageManager {
  readonly command: string;
  readonly isForRoot: boolean;
  readonly install: readonly string[];
  /** Brings its list of packages up to date. */
  readonly update?: readonly string[];
}

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    command: 'apt-get',
    isForRoot: true,
    install: ['install', '-y', '--no-install-recommends', 'nats-server'],
    update: ['update'],
  },
  { command: 'apk', isForRoot: true, install: ['add', '--no-cache', 'nats-server'] },
  { command: 'brew', isForRoot: false, install: ['install', 'nats-server'] },
];

// Where packages put it; a user's PATH may lack the sbin folders.
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
const INSTALLED_WITHIN_MS = 300_000;

/**
 * The path of nats-server, which the platform's package manager installs when it is missing.
 *
 * @param say What is being done, for the person who waits.
 * @throws {BinaryMissing} It is not there and cannot be installed.
 */
export function natsServerBinary(
  say: (progress: string) => void,
  env = process.env,
  folders: readonly string[] = MORE_FOLDERS,
): string {
  const path = [...(env['PATH'] ?? '').split(delimiter), ...folders];
  const found = which('nats-server', path);
  if (found !== undefined) return found;

  const manager = PACKAGE_MANAGERS.find(({ command }) => which(command, path) !== undefined);
  if (manager === undefined)
    throw new BinaryMissing(
      'nats-server',
      'it is not on the PATH and no package manager known here can install it; install it from your distribution, or set NATS_URL to use another server',
    );
  install(manager, say, env);

  const installed = which('nats-server', path);
  if (installed === undefined) throw notInstalled(manager, 'it is still not on the PATH');
  return installed;
}

function install(
  manager: PackageManager,
  say: (progress: string) => void,
  env: NodeJS.ProcessEnv,
): void {
  const prefix = asRoot(manager, env);
  const run = (args: readonly string[]): string | undefined => {
    const line = [...prefix, manager.command, ...args];
    say(`nats-server is missing: ${line.join(' ')}`);
    return failureOf(line, env);
  };
  const failure = run(manager.install);
  if (failure === undefined) return;
  // The list of packages of a fresh machine or image is empty or out of date.
  const cause = manager.update ? (run(manager.update) ?? run(manager.install)) : failure;
  if (cause !== undefined) throw notInstalled(manager, cause);
}

/** Root's own commands as they are, others through sudo if it asks nothing. */
function asRoot(manager: PackageManager, env: NodeJS.ProcessEnv): readonly string[] {
  if (!manager.isForRoot || process.getuid?.() === 0) return [];
  if (failureOf(['sudo', '-n', 'true'], env) === undefined) return ['sudo', '-n'];
  throw notInstalled(manager, 'only root may');
}

function failureOf(line: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const [command = '', ...args] = line;
  const { status, stderr, error } = spawnSync(command, args, {
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: INSTALLED_WITHIN_MS,
  });
  if (status === 0) return undefined;
  return stderr?.trim().split('\n').at(-1) || error?.message || `exit code ${status}`;
}

function notInstalled(manager: PackageManager, reason: string): BinaryMissing {
  const line = [manager.command, ...manager.install].join(' ');
  return new BinaryMissing(
    'nats-server',
    `it is not on the PATH and "${line}" did not install it (${reason}); install it, or set NATS_URL to use another server`,
  );
}

const which = (command: string, folders: readonly string[]): string | undefined =>
  folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
