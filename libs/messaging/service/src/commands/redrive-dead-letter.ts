import { messagingContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LetterHandling } from '../dead-letters/letter-handling';

export class RedriveDeadLetter extends commandOf(messagingContract.redriveDeadLetter) {}

@CommandHandler(RedriveDeadLetter)
export class RedriveDeadLetterHandler implements ICommandHandler<RedriveDeadLetter> {
  constructor(private readonly handling: LetterHandling) {}

  execute({ data, at, cause }: RedriveDeadLetter) {
    return this.handling.redrive(data, at, cause);
  }
}
