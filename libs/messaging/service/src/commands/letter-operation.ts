import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { letterOperation, letterOperationStream, whyMisfit } from '@downbeat/messaging-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LetterSelections } from '../operations/selection';

export class StartDeadLetterOperation extends commandOf(messagingContract.startLetterOperation) {}
export class AbortDeadLetterOperation extends commandOf(messagingContract.abortLetterOperation) {}

@CommandHandler(StartDeadLetterOperation)
export class StartDeadLetterOperationHandler implements ICommandHandler<StartDeadLetterOperation> {
  constructor(
    private readonly store: EventStore,
    private readonly selections: LetterSelections,
  ) {}

  async execute({ data, at, cause }: StartDeadLetterOperation) {
    const misfit = whyMisfit(data);
    if (misfit) return refused(misfit);
    const { ids: dead_letter_ids, ticket: found_ticket } = await this.selections.of(data);
    const { operation_id } = data;
    return carryOut(
      this.store,
      letterOperation,
      letterOperationStream(operation_id),
      { type: 'StartDeadLetterOperation', data: { ...data, dead_letter_ids, found_ticket }, at },
      cause,
      (state) => ({ operation_id, count: state.letterIds.length }),
    );
  }
}

@CommandHandler(AbortDeadLetterOperation)
export class AbortDeadLetterOperationHandler implements ICommandHandler<AbortDeadLetterOperation> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: AbortDeadLetterOperation) {
    const { operation_id } = data;
    const stream = letterOperationStream(operation_id);
    const command = { type: 'AbortDeadLetterOperation', data, at } as const;
    return carryOut(this.store, letterOperation, stream, command, cause, () => ({ operation_id }));
  }
}
