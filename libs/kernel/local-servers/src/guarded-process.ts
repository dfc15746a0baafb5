import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Run as this user instead of this process's own; only root may. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What the process gets when this one has died, however it died. */
  readonly deathSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
  /** An open file to read from; nothing by default. */
  readonly stdin?: number;
  /** Each line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
  /** With an IPC channel to a Node process: what it sends. */
  readonly onMessage?: (message: unknown) => void;
}

/** Signals to try in turn, each with the time it may take, in ms. */
export type StopPlan = readonly (readonly [signal: NodeJS.Signals, waitMs: number])[];

// A grandchild that lives on may hold the pipe open.
const DRAINED_WITHIN_MS = 250;

/**
 * A child process that does not outlive this one, not even when this one is killed with SIGKILL.
 * It has a session of its own, so that Ctrl-C in a terminal reaches this process alone, which can
 * then stop its children in order.
 */
export class GuardedProcess {
  /** Resolves when the process has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<Exit>;
  private readonly closed: Promise<void>;
  private exit: Exit | undefined;

  private constructor(
    readonly pid: number,
    private readonly child: ChildProcess,
  ) {
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  /** After the exit: resolves when all it said has been read, or soon after. */
  async drained(): Promise<void> {
    await endsWithin(this.closed, DRAINED_WITHIN_MS);
  }

  /** Rejects with the system's error (`code` ENOENT, EACCES) when there is nothing to run. */
  static async spawn(options: GuardedProcessOptions): Promise<GuardedProcess> {
    const [command, args, spawnOptions] = invocation(options);
    const child = spawn(command, args, spawnOptions);
    readLines(child, options.onLine);
    if (options.onMessage) child.on('message', options.onMessage);

    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    // A failed kill or a broken IPC channel is seen as the process's exit, if it matters at all.
    child.on('error', () => undefined);
    if (child.pid === undefined) throw new Error(`${options.command} has no process id`);
    const guarded = new GuardedProcess(child.pid, child);
    if (!canSetDeathSignal()) watch(guarded, options.deathSignal);
    return guarded;
  }

  get hasExited(): boolean {
    return this.exit !== undefined;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.hasExited) this.child.kill(signal);
  }

  /** Sends the plan's signals in turn until the process has ended; SIGKILL after the last. */
  async stop(plan: StopPlan): Promise<Exit> {
    for (const [signal, waitMs] of plan) {
      this.kill(signal);
      if (await endsWithin(this.exited, waitMs)) return this.exited;
    }
    this.kill('SIGKILL');
    return this.exited;
  }
}

/** True when `promise` settles within `waitMs`. */
export async function endsWithin(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeOut = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  try {
    return await Promise.race([promise.then(() => true), timeOut]);
  } finally {
    clearTimeout(timer);
  }
}

function invocation(options: GuardedProcessOptions): [string, string[], SpawnOptions] {
  const { user, cwd } = options;
  const spawnOptions: SpawnOptions = {
    env: options.env,
    detached: true,
    stdio: [
      options.stdin ?? 'ignore',
      'pipe',
      'pipe',
      ...(options.onMessage ? ['ipc' as const] : []),
    ],
    ...(cwd === undefined ? {} : { cwd }),
  };
  if (!canSetDeathSignal())
    return [options.command, [...options.args], { ...spawnOptions, ...user }];

  const wrapper = ['--pdeathsig', options.deathSignal.replace('SIG', '')];
  if (user) wrapper.push('--reuid', `${user.uid}`, '--regid', `${user.gid}`, '--clear-groups');
  return ['setpriv', [...wrapper, '--', options.command, ...options.args], spawnOptions];
}

function readLines(child: ChildProcess, onLine: ((line: string) => void) | undefined): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    stream.on('error', () => undefined); // The pipe of a killed process may break; its exit says so.
    if (onLine) createInterface({ input: stream }).on('line', onLine);
    else stream.resume();
  }
}

let deathSignals: boolean | undefined;

/** util-linux has it; busybox and macOS do not. */
function canSetDeathSignal(): boolean {
  deathSignals ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'TERM', '--', process.execPath, '--version']).status === 0;
  return deathSignals;
}

const WATCHDOG = `
  const [pid, signal] = process.argv.slice(1);
  for (const ignored of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(ignored, () => undefined);
  process.stdin.resume().on('end', () => {
    try { process.kill(Number(pid), signal); } catch { /* It ended before. */ }
    process.exit();
  });`;

/** Where the kernel tells nobody of a parent's death: a process whose input ends with this one. */
function watch(guarded: GuardedProcess, signal: NodeJS.Signals): void {
  const watchdog = spawn(process.execPath, ['-e', WATCHDOG, `${guarded.pid}`, signal], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => undefined);
  watchdog.unref();
  // Process ids are given out again: it must not wait for one that is gone.
  void guarded.exited.then(() => watchdog.kill('SIGKILL'));
}
