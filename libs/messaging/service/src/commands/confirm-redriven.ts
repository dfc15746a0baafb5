import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { DeadLetters, MessageBus } from '@downbeat/message-bus';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Quarantine } from '../dead-letters/quarantine';
import { messageGone, redrivenLetter } from '../services/failed-message';

export class ConfirmRedriven extends commandOf(messagingContract.confirmRedriven) {}

@CommandHandler(ConfirmRedriven)
export class ConfirmRedrivenHandler implements ICommandHandler<ConfirmRedriven> {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly deadLetters: DeadLetters,
    private readonly quarantine: Quarantine,
  ) {}

  async execute({ data }: ConfirmRedriven) {
    const { service_name, stream_created: streamCreated, stream_sequence: sequence } = data;
    const message = await this.bus.serviceMessages.read({ streamCreated, sequence });
    const id = message && redrivenLetter(message, service_name);
    const letter = id === undefined ? undefined : await this.quarantine.find(id);
    // Only whose letter it is may say that it has been handled.
    if (id === undefined || letter?.consumer !== service_name)
      return refused(messageGone(sequence));
    await this.deadLetters.resolve(id);
    return accepted(await this.store.head(), { service_name });
  }
}
