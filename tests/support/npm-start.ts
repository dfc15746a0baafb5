import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const WORKSPACE = join(__dirname, '..', '..');
const READY_MS_MAX = 150_000;

/** `run.json`, as programs beside the suite read it. */
export interface RunFile {
  readonly gateway_url: string;
  readonly nats_url: string;
  readonly database_url: string;
  readonly processes: readonly {
    readonly name: string;
    readonly pid: number | null;
    readonly url: string | null;
  }[];
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** What a person at a terminal has set, and nothing of the test run. */
export function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([key]) =>
      !/^(DOWNBEAT_|DATABASE_URL|NATS_|PG|JEST_|NODE_|npm_|PORT$|HOST$|GATEWAY_)/.test(key),
  );
  return { ...Object.fromEntries(kept), ...more };
}

/** Runs a program to its end, for a bounded time. */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly withinMs?: number },
): Promise<Ended> {
  const { cwd, env, withinMs = 60_000 } = options;
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** `npm start`, as a person runs it. */
export class NpmStart {
  readonly lines: string[] = [];
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(
    readonly dataDir: string,
    readonly gatewayPort: number,
  ) {
    this.child = spawn('npm', ['start'], {
      cwd: WORKSPACE,
      env: environment({ DOWNBEAT_DATA_DIR: dataDir, GATEWAY_PORT: `${gatewayPort}` }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const input of [this.child.stdout, this.child.stderr])
      if (input) createInterface({ input }).on('line', (line) => void this.lines.push(line));
    this.exited = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Resolves when a line says so; what is told of troubles may come after it. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_MS_MAX;
    while (!this.lines.some((line) => line.startsWith('ready '))) {
      if (this.child.exitCode !== null || Date.now() > deadline)
        throw new Error(`npm start is not ready:\n${this.lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  runFile(): RunFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'run.json'), 'utf8')) as RunFile;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** npm, and everything that was started below it. */
  family(): readonly string[] {
    const alive = runningProcesses();
    const members = new Set([this.child.pid]);
    // A parent may have a higher id than its child: look until nobody is added.
    for (let size = 0; size !== members.size;) {
      size = members.size;
      for (const { pid, parent } of alive) if (members.has(parent)) members.add(pid);
    }
    return alive.filter(({ pid }) => members.has(pid)).map(({ identity }) => identity);
  }
}

/** Who of them runs still. */
export function survivors(identities: readonly string[]): readonly string[] {
  const alive = new Set(runningProcesses().map(({ identity }) => identity));
  return identities.filter((identity) => alive.has(identity));
}

/** All that are no zombies. An id can be given out again, so the time of birth belongs to it. @see proc(5) */
function runningProcesses() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [head = '', rest = ''] = statOf(name).split(/\) (?=[^)]*$)/);
      const [state, parent, ...more] = rest.split(' ');
      if (state === undefined || rest === '' || state === 'Z') return [];
      return [{ pid: Number(name), parent: Number(parent), identity: `${head}) ${more[17]}` }];
    });
}

/** Empty when it has ended meanwhile. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
