import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessStatus } from './supervised-process';

/** What runs and where, for other programs on this machine. Holds a password: mode 0600. */
export interface RunState {
  readonly gateway_url: string;
  readonly nats_url: string;
  /** The owner's. */
  readonly database_url: string;
  /** A process that is being started again has no pid, one that does not listen yet no url. */
  readonly processes: readonly ProcessStatus[];
}

/** `<data dir>/run.json`: always whole, and gone when nothing runs any more. */
export class RunFile {
  readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, 'run.json');
  }

  write(state: RunState): void {
    const half = `${this.path}.new`;
    writeFileSync(half, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(half, this.path);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
