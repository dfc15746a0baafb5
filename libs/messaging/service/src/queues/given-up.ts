import { messagingContract } from '@downbeat/contracts';
import { withoutValues } from '@downbeat/dead-letters';
import { EventStore } from '@downbeat/event-store';
import { fold, instantOf, Rejection } from '@downbeat/eventsourcing';
import {
  cloudEventHeaders,
  DeadLetters,
  HEADER,
  MessageBus,
  oneLine,
  type DeadLetter,
  type StoredMessage,
} from '@downbeat/message-bus';
import {
  isShared,
  keepsDeadLetters,
  matchesPattern,
  SHARED,
  subscription,
  subscriptionStream,
  type Queue,
  type SubscriptionEvent,
  type Subscriptions,
} from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { letterOf, messageGone, type Failure } from '../services/failed-message';
import { queueOf } from './declared-queues';
import { FlowRecord } from './flow-record';
import { DEAD_LETTER_REASON, identityOf } from './produced';
import { queues } from './view/queues.projection';
import type { QueueRow } from './view/queue.tables';

const DEAD_LETTER_QUEUES_MAX = 100;
/** How the copy that a dead-letter queue gets says what it was. */
const OF = {
  id: 'Dead-Letter-Id',
  service: 'Dead-Letter-Service',
  queue: 'Dead-Letter-Queue',
  reason: DEAD_LETTER_REASON,
  attempts: 'Dead-Letter-Attempts',
} as const;

export type GivenUpMessage = Omit<Failure, 'subscriptions'>;

/** A message that a service cannot handle: kept as its queue says, told to who wants to know, and counted. */
@Injectable()
export class GivenUp {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly deadLetters: DeadLetters,
    private readonly readModels: ReadModels,
    private readonly record: FlowRecord,
    private readonly clock: Clock,
  ) {}

  /** The same again is one. Returns the letter when all is committed. */
  async giveUp(failure: GivenUpMessage): Promise<DeadLetter | Rejection> {
    const { service, sequence } = failure;
    const message = await this.bus.serviceMessages.read(failure);
    if (!message) return messageGone(sequence);
    const topic = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const queue = await queueOf(this.store, topic);
    const events = await this.store.load<SubscriptionEvent>(subscriptionStream(service));
    const subscriptions = sinceShared(fold(subscription, events), topic, queue);
    const letter = letterOf(message, { ...failure, subscriptions });
    if (letter instanceof Rejection) return letter;
    const isKept = keepsDeadLetters(queue);
    if (isKept) await this.deadLetters.quarantine(letter);
    const isOfDeadLetters = queue.status === 'declared' && queue.type === 'dead_letter';
    // Of those that get what others give up on nothing goes on: it would go round for ever.
    if (!isOfDeadLetters) await this.passOn(letter, topic);
    await this.tell(failure, message, letter, queue, isKept);
    return letter;
  }

  private async tell(
    { sequence, streamCreated, service, attempts, error }: GivenUpMessage,
    message: StoredMessage,
    letter: DeadLetter,
    queue: Queue,
    isKept: boolean,
  ): Promise<void> {
    const { key, queue: queue_name } = identityOf({ ...message, sequence }, streamCreated);
    const shared = isShared(queue);
    const at = instantOf(this.clock.now());
    await this.record.append({
      type: 'MessagesSettled',
      data: {
        batch_id: `given-up.${letter.id}.${sequence}`,
        stream_created: streamCreated,
        messages: [
          {
            key,
            queue_name,
            service_name: shared ? SHARED : service,
            ...(shared && { by: service }),
            sequence,
            outcome: isKept ? 'dead_letter' : 'failed',
            deliveries: attempts,
            // What is appended can never be purged; the dead letter has the exact reason.
            error: withoutValues(error),
            ...(isKept && { dead_letter_id: letter.id }),
            at,
          },
        ],
        at,
      },
    });
  }

  /** A copy for each queue that wants the dead letters of this one. */
  private async passOn(letter: DeadLetter, topic: string): Promise<void> {
    const { data } = await this.readModels.ask(queues, {}, (manager) =>
      manager.query<QueueRow[]>(
        `select * from queue where queue_type = 'dead_letter' limit ${DEAD_LETTER_QUEUES_MAX}`,
      ),
    );
    for (const { queue_name, options } of data)
      if (queue_name !== topic && matchesPattern(options.message_pattern ?? '', topic))
        await this.bus.publishMessage({
          subject: messagingContract.messageSubject('normal', queue_name),
          messageId: `${letter.id}/${queue_name}`,
          headers: {
            ...kept(letter.headers),
            [HEADER.originalId]: letter.id,
            [HEADER.correlationId]: letter.correlation_id,
            [HEADER.actor]: letter.consumer,
            [OF.id]: letter.id,
            [OF.service]: letter.consumer,
            [OF.queue]: topic,
            [OF.reason]: oneLine(letter.reason),
            [OF.attempts]: String(letter.attempts),
            ...cloudEventHeaders({
              id: letter.id,
              source: letter.consumer,
              type: 'dead-letter',
              time: new Date(this.clock.now()).toISOString(),
            }),
          },
          payload: letter.body,
        });
  }
}

/** What is shared is for each of its services from its beginning on, whenever they came. */
function sinceShared(subscriptions: Subscriptions, topic: string, queue: Queue): Subscriptions {
  if (!isShared(queue) || !subscriptions.has(topic)) return subscriptions;
  return new Map(subscriptions).set(topic, queue.createdAt);
}

/** Without what the server or the suite would take for its own. */
const kept = (headers: DeadLetter['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(nats-|downbeat-|ce-)/i.test(name)),
  );
