import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { DataKeys } from './data-keys';

const LOOK_EVERY_MS = 5_000;
const BATCH_MAX = 100;
/** Then others that share the database have their turn. */
const BATCHES_MAX = 20;

/** Moves data keys to the current master key, while everything goes on. */
@Injectable()
export class KeyRotation {
  private readonly logger = new Logger(KeyRotation.name);
  private readonly periodic = new Periodic('moving data keys', LOOK_EVERY_MS, async () => {
    await this.turn();
  });

  constructor(private readonly dataKeys: DataKeys) {}

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** @returns How many were moved. */
  async turn(): Promise<number> {
    let moved = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const now = await this.dataKeys.rewrap(BATCH_MAX);
      moved += now;
      if (now < BATCH_MAX) break;
    }
    if (moved > 0) this.logger.log({ moved }, 'data keys were moved to the current key');
    return moved;
  }
}
