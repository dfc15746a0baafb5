import { EventStore, execute } from '@downbeat/event-store';
import { epochMs, Fault, fold, instantOf } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  delayedMessage,
  delayedStream,
  type Delayed,
  type DelayedEvent,
} from '@downbeat/messaging-domain';
import { Clock, ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { besideEachOther } from './beside-each-other';
import { outgoingMessage, type MessageToSend } from './outgoing-message';
import { SentBefore } from './sent-before';

/** Of one queue, about: those that are put there at the same moment do not see each other. */
export const DELAYED_MAX = 10_000;
const LOOK_EVERY_MS = 250;
const AT_ONCE_MAX = 200;
const BESIDE_EACH_OTHER = 16;
/** Its stream knows a message that comes again for two minutes; half of that is sure. */
const KNOWN_BY_STREAM_MS = 60_000;
/** What was put here, and was never decided: whoever did it died in between. */
const ORPHANED_MS = 10 * 60_000;

/** Where a row stands among those that are due. */
interface Place {
  /** As the server writes it, which is more exact than a `Date`. */
  readonly due_at: string;
  readonly delayed_id: string;
}
const BEGINNING: Place = {
  due_at: '-infinity',
  delayed_id: '00000000-0000-0000-0000-000000000000',
};

interface WaitingRow extends Place {
  readonly [column: string]: unknown;
  readonly message: MessageToSend;
  readonly tried_at: Date | null;
}

/**
 * Sends messages when their time has come. What stands in them waits in a table, not in the log, which would keep
 * it for ever; that they wait, and what was decided about them, is in the log.
 */
@Injectable()
export class DelayedMessages {
  private readonly logger = new Logger(DelayedMessages.name);
  private after = BEGINNING;
  private readonly periodic = new Periodic('delayed messages', LOOK_EVERY_MS, () => this.look());

  constructor(
    private readonly pool: ContextPool,
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly sentBefore: SentBefore,
    private readonly clock: Clock,
  ) {}

  /**
   * What stands in a message may be no text for Postgres, which reads all of it to find one name: the queue stands
   * beside it. Of what waited before there was that column it is not known; each of those goes within 30 days.
   */
  async prepare(): Promise<void> {
    await this.pool.createOnce(
      'delayed_message',
      `create table if not exists delayed_message (
         delayed_id uuid primary key,
         due_at timestamptz not null,
         message json not null,
         tried_at timestamptz,
         created_at timestamptz not null default clock_timestamp()
       );
       create index if not exists delayed_message_due on delayed_message (due_at);
       alter table delayed_message add column if not exists queue_name text;
       alter table delayed_message alter column queue_name drop expression if exists;
       create index if not exists delayed_message_queue on delayed_message (queue_name);
       alter table delayed_message add column if not exists is_decided boolean not null default true`,
    );
  }

  start(): void {
    this.sentBefore.begin();
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /**
   * Put here before it is decided: what is decided can always be sent. What was put here by somebody who did not
   * come to decide it makes way, what is decided stays as it is; neither is an orphan for now.
   */
  async keep(id: string, dueAt: string, message: MessageToSend): Promise<void> {
    await this.pool.query(
      `insert into delayed_message as kept
         (delayed_id, due_at, message, queue_name, created_at, is_decided)
       values ($1, $2, $3, $4, $5, false)
       on conflict (delayed_id) do update set
         due_at = case when kept.is_decided then kept.due_at else excluded.due_at end,
         message = case when kept.is_decided then kept.message else excluded.message end,
         queue_name = excluded.queue_name,
         created_at = excluded.created_at`,
      [id, dueAt, JSON.stringify(message), message.queue_name, instantOf(this.clock.now())],
    );
  }

  /** From now on it stays as `commandId` said it, if that is what was decided: another one may have been put here since. */
  async stays(id: string, commandId: string, message: MessageToSend): Promise<void> {
    const [decided] = await this.store.load<DelayedEvent>(delayedStream(id));
    if (decided?.type !== 'MessageDelayed' || decided.meta.causation_id !== commandId) return;
    await this.pool.query(
      `update delayed_message set due_at = $2, message = $3, is_decided = true where delayed_id = $1`,
      [id, decided.data.due_at, JSON.stringify(message)],
    );
  }

  async isFull(queue: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `select from delayed_message where queue_name = $1 offset $2 limit 1`,
      [queue, DELAYED_MAX - 1],
    );
    return rowCount === 1;
  }

  async forget(id: string): Promise<void> {
    await this.pool.query('delete from delayed_message where delayed_id = $1', [id]);
  }

  async statusOf(id: string): Promise<Delayed['status']> {
    return (await this.stateOf(id)).status;
  }

  private async stateOf(id: string): Promise<Delayed> {
    return fold(delayedMessage, await this.store.load<DelayedEvent>(delayedStream(id)));
  }

  /**
   * One round: all that is due, or so many of it; the next one begins after those, whatever became of them.
   *
   * @throws What the first of those met that could not be sent.
   */
  async look(): Promise<void> {
    const { due_at, delayed_id } = this.after;
    const { rows } = await this.pool.query<WaitingRow>(
      `select delayed_id, due_at::text, message, tried_at from delayed_message
        where due_at <= $1 and (due_at, delayed_id) > ($2::timestamptz, $3::uuid)
        order by delayed_message.due_at, delayed_id limit ${AT_ONCE_MAX}`,
      [instantOf(this.clock.now()), due_at, delayed_id],
    );
    this.sentBefore.newRound();
    const end = await besideEachOther(rows, BESIDE_EACH_OTHER, (row) => this.due(row));
    const isFull = rows.length === AT_ONCE_MAX;
    this.after = isFull || end.isCutShort ? (end.last ?? BEGINNING) : BEGINNING;
    if ('fault' in end) throw end.fault;
    if (isFull) this.periodic.hurry();
  }

  private async due(row: WaitingRow): Promise<void> {
    const state = await this.stateOf(row.delayed_id);
    // What was decided since it was looked at may wait for longer than what was put there before.
    if (state.status === 'waiting' && epochMs(state.facts.due_at) > this.clock.now()) return;
    const before = state.status;
    switch (before === 'waiting' ? await this.release(row) : before) {
      case 'unknown':
        return this.orphan(row);
      case 'released':
        return this.send(row, before === 'released');
      case 'cancelled':
        return this.forget(row.delayed_id);
      // Somebody else writes to it: the next round looks again.
      case 'waiting':
    }
  }

  /** @returns How it stands then: it may have been cancelled just before. */
  private async release(row: WaitingRow): Promise<Delayed['status']> {
    const { delayed_id, message } = row;
    const at = instantOf(this.clock.now());
    const command = { type: 'ReleaseDelayed', data: { delayed_id }, at } as const;
    const { correlation_id } = message;
    const meta = { correlation_id, causation_id: delayed_id, actor: 'delayed-messages' };
    await execute(this.store, delayedMessage, delayedStream(delayed_id), command, { meta });
    return this.statusOf(delayed_id);
  }

  /**
   * Decided before, it was perhaps sent by somebody who died then, or has been put here once more: for two minutes
   * from its first attempt on its stream tells, and else the view.
   */
  private async send(row: WaitingRow, wasDecided: boolean): Promise<void> {
    const { delayed_id, message, tried_at } = row;
    const now = this.clock.now();
    const isKnown = tried_at !== null && now - tried_at.getTime() <= KNOWN_BY_STREAM_MS;
    const wasSent = wasDecided && !isKnown ? await this.sentBefore.ask(delayed_id, message) : false;
    if (wasSent === undefined) return;
    if (!wasSent) await this.publish(row, now);
    await this.forget(delayed_id);
  }

  /** Returns when it is over: one that no server will ever take is. */
  private async publish({ delayed_id, message }: WaitingRow, now: number): Promise<void> {
    await this.pool.query(
      'update delayed_message set tried_at = coalesce(tried_at, $2) where delayed_id = $1',
      [delayed_id, instantOf(now)],
    );
    try {
      await this.bus.publishMessage(outgoingMessage(message, now));
    } catch (fault) {
      if (!(fault instanceof Fault) || fault.remedy !== 'give-up') throw fault;
      const { queue_name, message_id, message_type, from } = message;
      this.logger.error(
        { delayed_id, queue_name, message_id, message_type, from, err: fault },
        'a delayed message can never be sent: it is forgotten',
      );
    }
  }

  /** Said once more since it was looked at, it stays. */
  private async orphan({ delayed_id }: WaitingRow): Promise<void> {
    const { rowCount } = await this.pool.query(
      'delete from delayed_message where delayed_id = $1 and created_at <= $2',
      [delayed_id, instantOf(this.clock.now() - ORPHANED_MS)],
    );
    if (rowCount === 1)
      this.logger.warn({ delayed_id }, 'a message that nobody decided to send is forgotten');
  }
}
