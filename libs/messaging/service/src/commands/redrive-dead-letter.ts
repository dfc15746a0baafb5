import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold } from '@downbeat/eventsourcing';
import {
  deadLetterHandling,
  deadLetterStream,
  type DeadLetterEvent,
} from '@downbeat/messaging-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Quarantine } from '../dead-letters/quarantine';
import { Redriver } from '../dead-letters/redriver';

export class RedriveDeadLetter extends commandOf(messagingContract.redriveDeadLetter) {}

@CommandHandler(RedriveDeadLetter)
export class RedriveDeadLetterHandler implements ICommandHandler<RedriveDeadLetter> {
  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly redriver: Redriver,
  ) {}

  /** Also finishes an earlier redrive that was cut off: what is decided already is only done. */
  async execute({ data, at, cause }: RedriveDeadLetter) {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.quarantine.find(id);
    const stream = deadLetterStream(id);
    const outcome = await carryOut(
      this.store,
      deadLetterHandling,
      stream,
      { type: 'RedriveDeadLetter', data: { ...data, dead_letter_id: id }, at, letter },
      cause,
      () => ({ dead_letter_id: id, status: 'redriving' }),
    );
    if (!outcome.accepted) return outcome;
    const handling = fold(deadLetterHandling, await this.store.load<DeadLetterEvent>(stream));
    if (handling.status === 'redriven') await this.redriver.redrive(id, handling.redrives);
    return outcome;
  }
}
