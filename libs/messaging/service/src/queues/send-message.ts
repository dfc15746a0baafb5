import { messagingContract } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { epochMs, instantOf, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  delayedMessage,
  delayedStream,
  refusalOfSize,
  refusalToSend,
  tooManyDelayed,
  unknownQueue,
} from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { accepted, commandOf, uuidFrom, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { queueOf } from './declared-queues';
import { DELAYED_MAX, DelayedMessages } from './delayed-messages';
import {
  bytesOf,
  outgoingMessage,
  type MessageToSend,
  type WrittenMessage,
} from './outgoing-message';
import { QueueGauge } from './queue-gauge';
import { queues } from './view/queues.projection';

const ANYBODY = 'gateway';

export class SendMessage extends commandOf(messagingContract.sendMessage) {}

@CommandHandler(SendMessage)
export class SendMessageHandler implements ICommandHandler<SendMessage> {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
    private readonly delayed: DelayedMessages,
    private readonly gauge: QueueGauge,
  ) {}

  async execute(command: SendMessage) {
    const message = messageOf(command);
    const { queue_name } = message;
    const queue = await queueOf(this.store, queue_name);
    const outgoing = outgoingMessage(message, epochMs(command.at));
    const bytes = Buffer.byteLength(outgoing.payload);
    const refusal =
      queue.status === 'undeclared' && !(await this.isTopic(queue_name))
        ? unknownQueue(queue_name)
        : (refusalToSend(queue_name, queue, message.from, bytes) ??
          // Numbers can be longer than they were said: what counts is how it is written.
          refusalOfSize(bytesOf(outgoing), messagingContract.bytesOfMessageMax()));
    if (refusal) return refused(refusal);
    const delayMs = (command.data.delay_seconds ?? 0) * 1_000;
    return delayMs > 0 ? this.later(message, delayMs, command) : this.now(message, outgoing);
  }

  private async now(message: MessageToSend, outgoing: WrittenMessage) {
    await this.bus.publishMessage(outgoing);
    return accepted(await this.store.head(), await this.answer(message, 'queued', 0));
  }

  private async later(message: MessageToSend, delayMs: number, { at, cause }: SendMessage) {
    const { queue_name, message_id, from, message_type } = message;
    const delayed_id = uuidFrom([queue_name, from, message_id].join('\n'));
    const due_at = instantOf(epochMs(at) + delayMs);
    const before = await this.delayed.statusOf(delayed_id);
    if (before === 'unknown') {
      if (await this.delayed.isFull(queue_name))
        return refused(tooManyDelayed(queue_name, DELAYED_MAX));
      // Once decided it stands there until it is over, and must not wait again after that: it would be sent again.
      await this.delayed.keep(delayed_id, due_at, message);
    }
    const facts = { delayed_id, message_id, queue_name, from, message_type, due_at };
    const result = await execute(
      this.store,
      delayedMessage,
      delayedStream(delayed_id),
      { type: 'DelayMessage', data: facts, at },
      { ...cause },
    );
    if (result instanceof Rejection) {
      // Cancelled, perhaps just now: what was put there meanwhile is never sent.
      await this.delayed.forget(delayed_id);
      return refused(result);
    }
    await this.delayed.stays(delayed_id, cause.meta.causation_id, message);
    const answer =
      (await this.delayed.statusOf(delayed_id)) === 'released'
        ? await this.answer(message, 'queued', 0)
        : await this.answer(message, 'delayed', delayMs);
    return accepted(result.position, { ...answer, delayed_id }, result.repeated);
  }

  private async answer(
    { message_id, queue_name }: MessageToSend,
    status: 'queued' | 'delayed',
    delayMs: number,
  ): Promise<JsonObject> {
    const estimated = await this.gauge.estimated(queue_name, delayMs);
    return {
      message_id,
      queue_name,
      status,
      ...(estimated !== undefined && { estimated_processing_time: estimated }),
    };
  }

  /** Somebody has subscribed to it, or sent to it. */
  private async isTopic(name: string): Promise<boolean> {
    const min_position = await this.store.head();
    const { data } = await this.readModels.ask(queues, { min_position }, (manager) =>
      manager.query<object[]>(
        `select from queue_consumer where queue_name = $1
          union all (select from queue_message where queue_name = $1 limit 1) limit 1`,
        [name],
      ),
    );
    return data.length > 0;
  }
}

function messageOf({ data, cause: { meta } }: SendMessage): MessageToSend {
  const { ttl_seconds, correlation_id = meta.correlation_id } = data;
  return {
    queue_name: data.queue_name,
    message_id: data.message_id ?? meta.causation_id,
    message_type: data.message_type,
    payload: data.message_payload,
    from: data.from ?? ANYBODY,
    priority: data.priority ?? 'normal',
    correlation_id,
    headers: data.headers ?? {},
    ...(meta.traceparent !== undefined && { traceparent: meta.traceparent }),
    ...(ttl_seconds !== undefined && { ttl_seconds }),
  };
}
