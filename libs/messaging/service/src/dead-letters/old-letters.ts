import { instantOf } from '@downbeat/eventsourcing';
import { Clock, HostSettings, loadConfig, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { messagingConfig } from '../messaging-config';
import { LetterHandling } from './letter-handling';
import { Quarantine } from './quarantine';

const LOOK_EVERY_MS = 60_000;
const PURGED_AT_ONCE = 200;
const ACTOR = 'messaging-retention';

/** Purges what was handled or discarded long ago, when a setting says how long that is. One replica does it for all. */
@Injectable()
export class OldLetters {
  private readonly logger = new Logger(OldLetters.name);
  private readonly keptDays: number | undefined;
  private readonly periodic = new Periodic('purging old dead letters', LOOK_EVERY_MS, () =>
    this.look(),
  );

  constructor(
    { environment }: HostSettings,
    private readonly quarantine: Quarantine,
    private readonly handling: LetterHandling,
    private readonly clock: Clock,
  ) {
    this.keptDays = loadConfig(messagingConfig, environment).MESSAGING_DEAD_LETTERS_KEPT_DAYS;
  }

  start(): void {
    if (this.keptDays !== undefined) this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round: a bounded number, the oldest first. */
  async look(): Promise<void> {
    const { keptDays } = this;
    if (keptDays === undefined) return;
    const ids = await this.quarantine.resolvedFor(keptDays, PURGED_AT_ONCE);
    for (const dead_letter_id of ids) {
      const meta = { correlation_id: dead_letter_id, causation_id: dead_letter_id, actor: ACTOR };
      const data = { dead_letter_id, reason: `resolved for more than ${keptDays} days` };
      await this.handling.purge(data, instantOf(this.clock.now()), { meta });
    }
    if (ids.length > 0) this.logger.log({ purged: ids.length }, 'old dead letters were purged');
  }
}
