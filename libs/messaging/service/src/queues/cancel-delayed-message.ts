import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { delayedMessage, delayedStream } from '@downbeat/messaging-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DelayedMessages } from './delayed-messages';

export class CancelDelayedMessage extends commandOf(messagingContract.cancelDelayedMessage) {}

@CommandHandler(CancelDelayedMessage)
export class CancelDelayedMessageHandler implements ICommandHandler<CancelDelayedMessage> {
  constructor(
    private readonly store: EventStore,
    private readonly delayed: DelayedMessages,
  ) {}

  async execute({ data, at, cause }: CancelDelayedMessage) {
    const delayed_id = data.delayed_id.toLowerCase();
    const outcome = await carryOut(
      this.store,
      delayedMessage,
      delayedStream(delayed_id),
      { type: 'CancelDelayed', data: { ...data, delayed_id }, at },
      cause,
      (state) => {
        const { message_id, queue_name } =
          state.status === 'unknown' ? { message_id: '', queue_name: '' } : state.facts;
        return { delayed_id, message_id, queue_name };
      },
    );
    if (outcome.accepted) await this.delayed.forget(delayed_id);
    return outcome;
  }
}
