import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_MS_MAX = 30_000;
const ASK_EVERY_MS = 5;
const LOG_SHOWN_LENGTH = 2_000;
export const WORKSPACE = join(__dirname, '..', '..', '..');

/** A compiled program as a process that tells where it listens: an app of the suite, or the participant. */
export class AppProcess {
  private child: ChildProcess | undefined;
  private address = '';

  constructor(
    readonly name: string,
    private readonly program: string,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly logFile: string,
  ) {}

  get url(): string {
    return this.address;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error(`${this.name} does not run`);
    return this.child.pid;
  }

  /** Returns when it listens. Started again it listens where it did before. */
  async start(
    nodeArguments: readonly string[] = [],
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const PORT = this.address === '' ? '0' : new URL(this.address).port;
    const child = fork(join(WORKSPACE, this.program), [], {
      execArgv: [...nodeArguments],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], ...this.environment, PORT, ...more },
    });
    this.child = child;
    const log = createWriteStream(this.logFile, { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    this.address = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} is too slow`)), START_MS_MAX);
      child.once('message', (message) => resolve((message as { url: string }).url));
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        reject(
          new Error(`${this.name} ended with ${code ?? signal}. It said: ${this.lastWords()}`),
        ),
      );
      child.once('message', () => clearTimeout(timer));
      child.once('exit', () => clearTimeout(timer));
    });
  }

  /** Returns when it says that it is ready. */
  async ready(): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      const answer = await fetch(`${this.address}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline)
        throw new Error(`${this.name} does not become ready. It said: ${this.lastWords()}`);
      await pause(ASK_EVERY_MS);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Returns when the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  private lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-LOG_SHOWN_LENGTH);
  }
}
