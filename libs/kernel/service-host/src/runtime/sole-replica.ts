import type { SessionLock } from '@downbeat/publishing';
import { Periodic } from './periodic';

const LOOK_EVERY_MS = 1_000;

/** Work that one replica does for all: whoever holds the lock begins it, whoever loses it ends it. */
export interface SoleWork {
  readonly begin: () => void;
  readonly end: () => Promise<void>;
}

export class SoleReplica {
  private working = false;
  private readonly periodic = new Periodic('taking turns', LOOK_EVERY_MS, () => this.look());

  constructor(
    private readonly lock: SessionLock,
    private readonly work: SoleWork,
  ) {}

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
    if (this.working) await this.work.end();
    this.working = false;
    await this.lock.release();
  }

  private async look(): Promise<void> {
    const isOurs = await this.lock.acquire();
    if (isOurs === this.working) return;
    this.working = isOurs;
    if (isOurs) this.work.begin();
    else await this.work.end();
  }
}
