import { endsWithin } from '@downbeat/local-servers';
import { SuiteError } from './suite-error';

/** One life of a process. */
export interface Running {
  readonly pid: number;
  /** Resolves when it says where it listens; never, if it does not. */
  readonly url: Promise<string>;
  /** True when it is ready, false when it has ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves with the reason when it has ended: `SIGKILL`, `exit code 1`. */
  readonly exited: Promise<string>;
  /** Asks it to end; makes it end after `withinMs`. */
  stop(withinMs: number): Promise<void>;
}

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number | null;
  readonly url: string | null;
}

export interface SupervisionOptions {
  readonly name: string;
  readonly launch: () => Promise<Running>;
  /** The process has another pid or address than before. */
  readonly onChange: () => void;
  readonly say: (line: string) => void;
  /** What it said at its end, and where to read on. */
  readonly lastWords: () => string;
  /** Default 250: the wait before the first restart, in ms; each further one doubles it. */
  readonly firstDelayMs?: number;
}

const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 10_000;
/** A process that lived this long begins again with the shortest delay. */
const STABLE_AFTER_MS = 30_000;
/** A process that ends this often without ever being ready will not get there by itself. */
const FIRST_STARTS_MAX = 3;

/** Keeps a process running: whenever it ends, it is started again after a growing, bounded delay. */
export class SupervisedProcess {
  private running: Running | undefined;
  private url: string | null = null;
  private isStopping = false;
  private wakeUp: () => void = () => undefined;
  private life: Promise<void> = Promise.resolve();

  constructor(private readonly options: SupervisionOptions) {}

  get status(): ProcessStatus {
    return { name: this.options.name, pid: this.running?.pid ?? null, url: this.url };
  }

  /** Resolves when the process is ready for the first time; rejects when it cannot get there. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.life = this.live(resolve, reject);
    });
  }

  /** Ends the process for good, and resolves when it is gone. */
  async stop(withinMs: number): Promise<void> {
    this.isStopping = true;
    this.wakeUp();
    await this.running?.stop(withinMs);
    // A launch that was under way sees the flag and stops what it has just launched; one that takes
    // longer than this ends with the suite's own process.
    await endsWithin(this.life, withinMs);
  }

  private async live(ready: () => void, failed: (reason: unknown) => void): Promise<void> {
    const { name, say, firstDelayMs = FIRST_DELAY_MS } = this.options;
    let hasBeenReady = false;
    let restarts = 0;
    while (!this.isStopping) {
      const beganAt = Date.now();
      const ended = await this.liveOnce(() => {
        if (hasBeenReady) say(`${name} is back after ${seconds(Date.now() - beganAt)}`);
        hasBeenReady = true;
        ready();
      }).catch((reason: unknown) => (hasBeenReady ? messageOf(reason) : failed(reason)));
      if (ended === undefined || this.isStopping) break;

      restarts = Date.now() - beganAt > STABLE_AFTER_MS ? 0 : restarts + 1;
      if (!hasBeenReady && restarts === FIRST_STARTS_MAX) {
        const times = `ended ${restarts} times before it was ready (${ended})`;
        failed(new SuiteError(`${name} ${times}: ${this.options.lastWords()}`));
        break;
      }
      const delayMs = Math.min(DELAY_MAX_MS, firstDelayMs * 2 ** Math.max(0, restarts - 1));
      say(`${name} has ended (${ended}); it starts again in ${seconds(delayMs)}`);
      await this.pause(delayMs);
    }
  }

  /** @returns Why it ended. */
  private async liveOnce(onReady: () => void): Promise<string> {
    const running = await this.options.launch();
    this.running = running;
    this.options.onChange();
    if (this.isStopping) await running.stop(0);
    void running.url.then((url) => this.moved(running, url));
    void running.ready.then((isReady) => {
      if (isReady && this.running === running) onReady();
    });
    const ended = await running.exited;
    this.running = undefined;
    this.url = null;
    this.options.onChange();
    return ended;
  }

  private moved(running: Running, url: string): void {
    if (this.running !== running) return;
    this.url = url;
    this.options.onChange();
  }

  private async pause(delayMs: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.wakeUp = resolve));
    await endsWithin(stopped, delayMs);
  }
}

const messageOf = (reason: unknown): string =>
  reason instanceof Error ? reason.message : String(reason);

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
