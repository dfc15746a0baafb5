import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { GivenUp } from '../queues/given-up';

export class QuarantineMessage extends commandOf(messagingContract.quarantineMessage) {}

/**
 * A message that a service was given and gave up on. The service names its place, and it is read from the stream:
 * so a megabyte needs no second way, and what is kept is what was sent.
 */
@CommandHandler(QuarantineMessage)
export class QuarantineMessageHandler implements ICommandHandler<QuarantineMessage> {
  constructor(
    private readonly store: EventStore,
    private readonly givenUp: GivenUp,
  ) {}

  /** The same letter again is one letter. Accepted means that it is committed. */
  async execute({ data }: QuarantineMessage) {
    const { service_name: service, stream_created: streamCreated, attempts, error } = data;
    const sequence = data.stream_sequence;
    const letter = await this.givenUp.giveUp({ service, streamCreated, sequence, attempts, error });
    if (letter instanceof Rejection) return refused(letter);
    return accepted(await this.store.head(), { service_name: service, dead_letter_id: letter.id });
  }
}
