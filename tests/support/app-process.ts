import { freePort } from '@downbeat/local-servers';
import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

const START_MS_MAX = 30_000;
const LAST_WORDS_CHARS = 2_000;
const WORKSPACE = join(__dirname, '..', '..');

/** One app of the suite as a process, as it is deployed: compiled, with its environment and nothing else. */
export class AppProcess {
  private child: ChildProcess | undefined;
  private address = '';
  private port = 0;

  constructor(
    readonly name: string,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly logDir: string,
  ) {}

  get url(): string {
    return this.address;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Starts it and waits until it is ready. A restarted process listens where it did before, since
   * others know the address: on a port that no outgoing connection takes while it is down.
   */
  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    this.port ||= await freePort();
    this.address = await this.listening(this.launch(more));
    await this.ready();
  }

  /** Starts it and waits for nothing: a process that shall die before it listens. */
  launch(more: Readonly<Record<string, string>> = {}): ChildProcess {
    const main = join(WORKSPACE, 'apps', this.name, 'dist', 'main.js');
    const child = fork(main, [], {
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], ...this.environment, PORT: `${this.port}`, ...more },
    });
    const log = createWriteStream(join(this.logDir, `${this.name}.log`), { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    this.child = child;
    return child;
  }

  /** Settles when the process is gone, whoever ended it. */
  async gone(): Promise<NodeJS.Signals | number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const gone = this.gone();
    this.child?.kill(signal);
    await gone;
  }

  private listening(child: ChildProcess): Promise<string> {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (said = (said + chunk).slice(-LAST_WORDS_CHARS)));
    return new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} is too slow`)), START_MS_MAX);
      child.once('message', (message) => {
        clearTimeout(timer);
        resolve((message as { url: string }).url);
      });
      // Closed, not only ended: what it said last has been read by then.
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        const how = `${this.name} ended with ${code ?? signal} before it listened`;
        reject(new Error(`${how}; its last words: ${said}`));
      });
    });
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      const answer = await fetch(`${this.address}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`${this.name} does not become ready`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
