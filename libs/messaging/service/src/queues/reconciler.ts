import { EventStore } from '@downbeat/event-store';
import { instantOf, type Instant } from '@downbeat/eventsourcing';
import { MessageBus, type ConsumerProgress, type MessageProgress } from '@downbeat/message-bus';
import { SHARED, type SettledMessage } from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { consumerParts } from './declared-queues';
import { batchId } from './flow-recorder';
import { FlowRecord } from './flow-record';
import { IS_REFUSED } from './refused-message';
import { queues } from './view/queues.projection';
import { wantedConsumers } from './wanted-consumers';

const LOOK_EVERY_MS = 5_000;
const MISSED_MAX = 500;
const ABSENT_MS = 20_000;

interface MissedRow {
  readonly key: string;
  readonly queue_name: string;
  readonly sequence: string;
}

/**
 * What the server says of acknowledgements may be lost with its stream: at or below its floor a consumer has
 * acknowledged everything, and what nobody told is written down without how long it took. Looks after the consumers
 * too: those that are missing are made, those made by an earlier release say from now on what they acknowledge.
 */
@Injectable()
export class Reconciler {
  private readonly logger = new Logger(Reconciler.name);
  private readonly periodic = new Periodic('the reconciliation of messages', LOOK_EVERY_MS, () =>
    this.look(),
  );
  private adjusted = '';
  /** By consumer: where its floor was a round ago, and up to where all is known. */
  private floors = new Map<string, number>();
  private readonly known = new Map<string, number>();
  private absentSince: ReadonlyMap<string, number> = new Map();
  private streamCreated = '';

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
    private readonly record: FlowRecord,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.adjusted = '';
    this.floors = new Map();
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round. */
  async look(): Promise<void> {
    const progress = await this.bus.serviceMessages.progress();
    if (!progress) return;
    await this.keepConsumers(progress);
    if (progress.streamCreated !== this.streamCreated) {
      this.known.clear();
      this.floors.clear();
      this.streamCreated = progress.streamCreated;
    }
    for (const consumer of progress.consumers) await this.reconcile(progress, consumer);
    this.floors = new Map(
      progress.consumers.map(({ durable, settledThrough }) => [
        durable,
        // What was sent must be written down before it can be missed.
        Math.min(settledThrough, progress.followedThrough),
      ]),
    );
  }

  private async keepConsumers({ consumers, streamCreated }: MessageProgress): Promise<void> {
    const min_position = await this.store.head();
    const { data: wanted } = await this.readModels.ask(queues, { min_position }, wantedConsumers);
    const there = new Set(consumers.map(({ durable }) => durable));
    const absent = wanted.filter(({ durable }) => !there.has(durable));
    // Those that have just been decided are about to be made by who asked for them.
    const now = this.clock.now();
    this.absentSince = new Map(
      absent.map(({ durable }) => [durable, this.absentSince.get(durable) ?? now]),
    );
    const missing = absent.filter(
      ({ durable }) => now - (this.absentSince.get(durable) ?? now) >= ABSENT_MS,
    );
    if (missing.length > 0) {
      await this.bus.serviceMessages.ensure(missing);
      this.logger.warn({ consumers: missing.length }, 'consumers were missing and are made again');
    }
    const all = JSON.stringify([streamCreated, wanted]);
    if (all === this.adjusted) return;
    await this.bus.serviceMessages.adjust(wanted);
    this.adjusted = all;
  }

  private async reconcile(
    { streamCreated }: MessageProgress,
    { durable }: ConsumerProgress,
  ): Promise<void> {
    const parts = consumerParts(durable);
    const through = this.floors.get(durable) ?? 0;
    const from = this.known.get(durable) ?? 0;
    if (!parts || parts.lane === 'redriven' || through <= from) return;
    const service = parts.service ?? SHARED;
    const min_position = await this.store.head();
    const { data: missed } = await this.readModels.ask(queues, { min_position }, (manager) =>
      manager.query<MissedRow[]>(
        `select m.key, m.queue_name, m.sequence from queue_message m
          where m.queue_name = $1 and m.priority = $2 and m.stream_created = $3
            and m.sequence > $4 and m.sequence <= $5 and m.state = 'live'
            and not exists (select from queue_receipt r where r.id = m.key || '/' || $6::text)
            -- Nobody was given it, and the floor went past it all the same.
            and not ${IS_REFUSED}
            and ($6 = '${SHARED}' or exists (
                  select from queue_consumer c
                   where c.id = m.queue_name || '/' || $6::text
                     and c.subscribed_at - interval '5 seconds' <= m.produced_at))
          order by m.sequence limit ${MISSED_MAX}`,
        [parts.topic, parts.lane, streamCreated, from, through, service],
      ),
    );
    if (missed.length > 0) await this.tell(streamCreated, missed, service);
    if (missed.length < MISSED_MAX) this.known.set(durable, through);
  }

  private async tell(
    streamCreated: string,
    missed: readonly MissedRow[],
    service_name: string,
  ): Promise<void> {
    const at: Instant = instantOf(this.clock.now());
    const messages = missed.map(({ key, queue_name, sequence }): SettledMessage => ({
      ...{ key, queue_name, service_name, sequence: Number(sequence) },
      ...{ outcome: 'consumed', deliveries: 1, at },
    }));
    const batch_id = batchId('reconciled', streamCreated, messages);
    const data = { batch_id, stream_created: streamCreated, messages, at };
    await this.record.append({ type: 'MessagesSettled', data });
    this.logger.warn({ count: messages.length, service_name }, 'acknowledgements nobody had told');
  }
}
