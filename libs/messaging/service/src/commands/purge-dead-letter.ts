import { messagingContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LetterHandling } from '../dead-letters/letter-handling';

export class PurgeDeadLetter extends commandOf(messagingContract.purgeDeadLetter) {}

@CommandHandler(PurgeDeadLetter)
export class PurgeDeadLetterHandler implements ICommandHandler<PurgeDeadLetter> {
  constructor(private readonly handling: LetterHandling) {}

  execute({ data, at, cause }: PurgeDeadLetter) {
    return this.handling.purge(data, at, cause);
  }
}
