import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What every command of the workspace needs first. Runs on a bare clone: Node's own modules only.

export const workspace = join(dirname(fileURLToPath(import.meta.url)), '..');

const NODE_MIN = [20, 19];
const STAMP = join(workspace, 'node_modules', '.downbeat-lock');

/** What to say to the person at the terminal, without a stack trace. */
export class Complaint extends Error {}

/** Ends the process with one sentence when Node is too old. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [majorMin, minorMin] = NODE_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new Complaint(`Node ${NODE_MIN.join('.')} or later is needed, this is ${process.version}`);
}

/** Runs `npm ci` unless node_modules holds what the lock file says. */
export async function install() {
  const lock = readFileSync(join(workspace, 'package-lock.json'));
  const stamp = createHash('sha256').update(lock).digest('hex');
  if (readStamp() === stamp) return;
  if (!holds(JSON.parse(lock))) {
    console.log('installing what is missing: npm ci');
    await step('npm ci', () => run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']));
  }
  writeFileSync(STAMP, stamp);
}

/**
 * Compiles what has changed, in place. Not out of Nx's cache: that takes all compiled files away before
 * it puts them back, under the feet of a suite that runs from them and may have to start a process again.
 */
export async function compile() {
  const nx = join(workspace, 'node_modules', '.bin', 'nx');
  console.log('compiling what has changed');
  await step('compile', () => run(nx, ['run', 'downbeat:compile', '--outputStyle=static']));
}

/** Does something that takes a while, and says how long it took. */
export async function step(name, work) {
  const began = Date.now();
  await work();
  console.log(`${name.padEnd(14)} ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** Runs a program quietly, in the workspace or another folder; what it said is shown when it fails. */
export function run(command, args, cwd = workspace) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.once('error', (cause) =>
      reject(new Complaint(`${command} cannot be run: ${cause.message}`)),
    );
    child.once('close', (code) => {
      if (code === 0) return resolve();
      process.stderr.write(said);
      reject(new Complaint(`${[command, ...args].join(' ')} failed (exit code ${code})`));
    });
  });
}

/** Runs `main`; a complaint becomes one sentence and exit code 1. */
export function command(main) {
  main().catch((failure) => {
    process.stderr.write(`${failure instanceof Complaint ? failure.message : failure.stack}\n`);
    process.exit(1);
  });
}

function readStamp() {
  return existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : undefined;
}

/** npm keeps a list of what it has installed: somebody may have run it by hand. */
function holds(lock) {
  const list = join(workspace, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = JSON.parse(readFileSync(list)).packages;
  return Object.entries(lock.packages)
    .filter(([path, wanted]) => path !== '' && (installed[path] || !isOptional(wanted)))
    .every(([path, wanted]) => installed[path]?.version === wanted.version);
}

// Packages of other platforms, and the workspace's own folders, which the list names as links.
const isOptional = (wanted) => wanted.optional || wanted.devOptional || !wanted.version;
