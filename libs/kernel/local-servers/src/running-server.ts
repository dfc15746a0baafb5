import type { Exit } from './guarded-process';

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** Resolves when the server has ended, asked to or not. */
  readonly exited: Promise<Exit>;
  /** Asks the server to end, and makes it end after `withinMs` (default 8,000). */
  stop(withinMs?: number): Promise<void>;
}
