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
  private readonly periodic: Periodic;

  constructor(
    private readonly lock: Pick<SessionLock, 'acquire' | 'release'>,
    private readonly work: SoleWork,
    lookEveryMs = LOOK_EVERY_MS,
  ) {
    this.periodic = new Periodic('taking turns', lookEveryMs, () => this.look());
  }

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
    try {
      if (this.working) await this.work.end();
    } finally {
      this.working = false;
      await this.lock.release();
    }
  }

  private async look(): Promise<void> {
    const isOurs = await this.lock.acquire();
    if (isOurs === this.working) return;
    if (isOurs) {
      this.work.begin();
      this.working = true;
    } else {
      this.working = false;
      await this.work.end();
    }
  }
}
