import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

const WORKSPACE = join(__dirname, '..', '..');
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.nx', '.downbeat', 'coverage']);

/**
 * A copy of this very workspace to plant violations in: the rules are tried on the tree they guard,
 * and nothing is ever wrong in the tree itself.
 */
export class PlantedTree {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'downbeat-planted-')));

  constructor() {
    cpSync(WORKSPACE, this.root, {
      recursive: true,
      filter: (path) => !NOT_COPIED.has(basename(path)) || path === WORKSPACE,
    });
    this.linkPackages();
  }

  plant(file: string, text: string): void {
    const path = join(this.root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Runs a program of node_modules/.bin; its standard output, whatever its exit code. */
  run(program: string, args: readonly string[]): Promise<string> {
    const path = join(WORKSPACE, 'node_modules', '.bin', program);
    return new Promise((resolve, reject) => {
      execFile(
        path,
        args,
        { cwd: this.root, maxBuffer: 256 * 1024 * 1024 },
        (failure, stdout, stderr) => {
          if (failure && stdout === '') reject(new Error(`${program} said: ${stderr}`));
          else resolve(stdout);
        },
      );
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Other people's packages are those of the workspace; its own ones are the copies. */
  private linkPackages(): void {
    const from = join(WORKSPACE, 'node_modules');
    const to = join(this.root, 'node_modules');
    mkdirSync(join(to, '@downbeat'), { recursive: true });
    for (const name of readdirSync(from))
      if (name !== '@downbeat' && name !== '.cache') symlinkSync(join(from, name), join(to, name));
    for (const name of readdirSync(join(from, '@downbeat'))) {
      const folder = relative(WORKSPACE, realpathSync(join(from, '@downbeat', name)));
      symlinkSync(join(this.root, folder), join(to, '@downbeat', name));
    }
  }
}
