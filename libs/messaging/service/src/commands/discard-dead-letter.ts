import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { deadLetterHandling, deadLetterStream } from '@downbeat/messaging-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Quarantine } from '../dead-letters/quarantine';

export class DiscardDeadLetter extends commandOf(messagingContract.discardDeadLetter) {}

@CommandHandler(DiscardDeadLetter)
export class DiscardDeadLetterHandler implements ICommandHandler<DiscardDeadLetter> {
  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
  ) {}

  async execute({ data, at, cause }: DiscardDeadLetter) {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.quarantine.find(id);
    const outcome = await carryOut(
      this.store,
      deadLetterHandling,
      deadLetterStream(id),
      { type: 'DiscardDeadLetter', data: { ...data, dead_letter_id: id }, at, letter },
      cause,
      () => ({ dead_letter_id: id, status: 'discarded' }),
    );
    if (outcome.accepted) await this.quarantine.discard(id, data.reason);
    return outcome;
  }
}
