import { messagingContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LetterHandling } from '../dead-letters/letter-handling';

export class DiscardDeadLetter extends commandOf(messagingContract.discardDeadLetter) {}

@CommandHandler(DiscardDeadLetter)
export class DiscardDeadLetterHandler implements ICommandHandler<DiscardDeadLetter> {
  constructor(private readonly handling: LetterHandling) {}

  execute({ data, at, cause }: DiscardDeadLetter) {
    return this.handling.discard(data, at, cause);
  }
}
