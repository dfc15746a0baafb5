import { EventStore } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import type { DeadLetterEvent, LetterOperationEvent } from '@downbeat/messaging-domain';
import { Clock, ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Quarantine, type OverdueLetter } from './quarantine';
import { Redriver } from './redriver';

const LOOK_EVERY_MS = 1_000;
const READ_MAX = 10_000;
const OVERDUE_MAX = 100;
/** A redrive without an answer for this long is sent again, then after twice as long, and so on. */
export const OVERDUE_MS = 30_000;
const RESEND_EVERY_MAX_MS = 3_600_000;
const REMEMBERED_MAX = 10_000;

/**
 * Finishes what a crash cut off: decisions of the log that the quarantine does not show, and
 * redrives that nobody has answered. One replica sweeps for all.
 */
@Injectable()
export class Sweep {
  private readonly logger = new Logger(Sweep.name);
  private readonly periodic = new Periodic('the sweep of dead letters', LOOK_EVERY_MS, () =>
    this.look(),
  );
  private followed: { position: Position; saved: Position } | undefined;
  private lookedAt: OverdueLetter | undefined;
  private readonly sent = new LRUCache<string, { readonly times: number; readonly at: number }>({
    max: REMEMBERED_MAX,
  });

  constructor(
    private readonly pool: ContextPool,
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly redriver: Redriver,
    private readonly clock: Clock,
  ) {}

  async prepare(): Promise<void> {
    await this.pool.createOnce(
      'swept',
      `create table if not exists swept (
         is_only boolean primary key default true check (is_only),
         position bigint not null
       )`,
    );
  }

  start(): void {
    this.followed = undefined;
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round: what the log says and the table does not, then what waits for too long. */
  async look(): Promise<void> {
    await this.follow();
    await this.resend();
  }

  private async follow(): Promise<void> {
    this.followed ??= await this.checkpoint();
    const { followed } = this;
    for (;;) {
      const slice = await this.store.read<DeadLetterEvent | LetterOperationEvent>(
        followed.position,
        READ_MAX,
      );
      for (const event of slice.events) await this.makeTrue(event);
      const isEnd = slice.through < followed.position + READ_MAX;
      followed.position = slice.through;
      // Looking twice does no harm, so what held nothing is not worth a write.
      const isWorthIt = slice.events.length > 0 || followed.position - followed.saved >= READ_MAX;
      if (isWorthIt) await this.save(followed);
      if (isEnd) return;
    }
  }

  private async makeTrue(event: DeadLetterEvent | LetterOperationEvent): Promise<void> {
    switch (event.type) {
      case 'DeadLetterDiscarded':
        return this.quarantine.discard(event.data.dead_letter_id, event.data.reason);
      case 'DeadLetterEdited':
        return this.quarantine.showRevision(event.data.dead_letter_id, event.data.revision);
      case 'DeadLetterPurged':
        return this.quarantine.purge(event.data.dead_letter_id);
      case 'DeadLetterRedriven': {
        const { dead_letter_id: id, redrive, content } = event.data;
        if (await this.redriver.catchUp({ id, redrive, content }))
          this.logger.warn({ dead_letter_id: id, redrive }, 'a redrive had been cut off');
        return;
      }
      // Told of what the quarantine shows, or not about one letter.
      case 'DeadLetterQuarantined':
      case 'DeadLetterHandled':
      case 'DeadLetterReturned':
      case 'DeadLetterOperationStarted':
      case 'DeadLettersAnswered':
      case 'DeadLetterOperationCompleted':
      case 'DeadLetterOperationAborted':
        return;
    }
  }

  private async resend(): Promise<void> {
    const letters = await this.quarantine.overdue(OVERDUE_MS, this.lookedAt, OVERDUE_MAX);
    // The next round goes on behind these, and begins again at the end.
    this.lookedAt = letters.length === OVERDUE_MAX ? letters.at(-1) : undefined;
    for (const { id, redrives } of letters) {
      const key = `${id}:${redrives}`;
      const before = this.sent.get(key) ?? { times: 0, at: -Infinity };
      const waitMs = Math.min(OVERDUE_MS * 2 ** before.times, RESEND_EVERY_MAX_MS);
      if (this.clock.now() - before.at < waitMs) continue;
      this.sent.set(key, { times: before.times + 1, at: this.clock.now() });
      this.logger.warn({ dead_letter_id: id, redrive: redrives }, 'a redrive is unanswered');
      await this.redriver.resend(id, redrives);
    }
  }

  private async checkpoint(): Promise<{ position: Position; saved: Position }> {
    const { rows } = await this.pool.query<{ position: string }>('select position from swept');
    const position = Number(rows[0]?.position ?? 0);
    return { position, saved: position };
  }

  private async save(followed: { position: Position; saved: Position }): Promise<void> {
    await this.pool.query(
      `insert into swept (position) values ($1)
       on conflict (is_only) do update set position = greatest(swept.position, excluded.position)`,
      [followed.position],
    );
    followed.saved = followed.position;
  }
}
