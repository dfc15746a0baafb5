import { hash } from 'node:crypto';
import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { cloudEventHeaders, HEADER, MessageBus } from '@downbeat/message-bus';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { refusalToSend } from '@downbeat/messaging-domain';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { queueOf } from '../queues/declared-queues';

export class PublishMessage extends commandOf(messagingContract.publishMessage) {}

/** For services that have no connection to NATS: all others publish by themselves, and are faster. */
@CommandHandler(PublishMessage)
export class PublishMessageHandler implements ICommandHandler<PublishMessage> {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  /** Accepted means that its stream has it. The same command again, within two minutes, leaves one; later it is kept once more. */
  async execute({ data, at, cause: { meta } }: PublishMessage) {
    const { topic, from, priority = 'normal', message_id: id = meta.causation_id } = data;
    const payload = JSON.stringify(data.message);
    const queue = await queueOf(this.store, topic);
    const refusal = refusalToSend(topic, queue, from, Buffer.byteLength(payload));
    if (refusal) return refused(refusal);
    await this.bus.publishMessage({
      subject: messagingContract.messageSubject(priority, topic),
      // As services write it: the server looks at the id alone, so it says of whom and of what it is.
      messageId: `${from}/${topic}/${id} ${hash('sha256', payload, 'base64url')}`,
      headers: {
        [HEADER.originalId]: id,
        [HEADER.correlationId]: meta.correlation_id,
        [HEADER.actor]: from,
        ...(meta.traceparent === undefined ? {} : { [HEADER.traceparent]: meta.traceparent }),
        ...cloudEventHeaders({ id, source: from, type: topic, time: at }),
      },
      payload,
    });
    return accepted(await this.store.head(), { topic, message_id: id });
  }
}
