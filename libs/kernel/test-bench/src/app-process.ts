import { freePort } from '@downbeat/local-servers';
import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const START_MS_MAX = 90_000;
const ASK_EVERY_MS = 5;
const LAST_WORDS_CHARS = 2_000;

export interface AppProcessOptions {
  readonly name: string;
  /** The compiled program; it tells its parent `{ url }` when it listens. */
  readonly program: string;
  /** All of it, but for `PATH` and `PORT`. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it says is added there. */
  readonly logFile: string;
}

/** A program of the suite as a process, as it is deployed: compiled, with its environment and nothing else. */
export class AppProcess {
  private child: ChildProcess | undefined;
  private address = '';
  private port = 0;
  private said = '';

  constructor(private readonly options: AppProcessOptions) {}

  /** Where it listened last. */
  get url(): string {
    return this.address;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error(`${this.options.name} does not run`);
    return this.child.pid;
  }

  /** Starts it and waits until it is ready. */
  async start(more?: Readonly<Record<string, string>>): Promise<void> {
    await this.listen(more);
    await this.ready();
  }

  /**
   * Starts it and waits until it listens. A restarted process listens where it did before, since
   * others know the address: on a port that no outgoing connection takes while it is down.
   */
  async listen(more?: Readonly<Record<string, string>>): Promise<void> {
    this.port ||= await freePort();
    this.address = await this.listening(this.launch(more));
  }

  /** Starts it and waits for nothing: a process that shall die before it listens. */
  launch(more: Readonly<Record<string, string>> = {}): ChildProcess {
    const { program, environment, logFile } = this.options;
    const child = fork(program, [], {
      // What this process was started with is its own affair.
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], ...environment, PORT: `${this.port}`, ...more },
    });
    this.said = '';
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.pipe(log);
      stream?.on('data', (chunk: Buffer) => {
        this.said = (this.said + chunk).slice(-LAST_WORDS_CHARS);
      });
    }
    this.child = child;
    return child;
  }

  /** Returns when it says that it is ready. */
  async ready(): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      const answer = await fetch(`${this.address}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw this.failure('does not become ready');
      await pause(ASK_EVERY_MS);
    }
  }

  /** Settles when the process is gone, whoever ended it. */
  async gone(): Promise<NodeJS.Signals | number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Returns when the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const gone = this.gone();
    this.signal(signal);
    await gone;
  }

  private listening(child: ChildProcess): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.failure('is too slow')), START_MS_MAX);
      child.once('message', (message) => {
        clearTimeout(timer);
        resolve((message as { url: string }).url);
      });
      // Closed, not only ended: what it said last has been read by then.
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        reject(this.failure(`ended with ${code ?? signal} before it listened`));
      });
    });
  }

  private failure(what: string): Error {
    return new Error(`${this.options.name} ${what}; its last words: ${this.said}`);
  }
}
