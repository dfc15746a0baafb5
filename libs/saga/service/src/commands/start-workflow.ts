import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { StartRuns } from './start-runs';

export class StartWorkflow extends commandOf(sagaContract.startWorkflow) {}

@CommandHandler(StartWorkflow)
export class StartWorkflowHandler implements ICommandHandler<StartWorkflow> {
  constructor(private readonly runs: StartRuns) {}

  execute({ data, cause }: StartWorkflow) {
    return this.runs.start(data, cause);
  }
}
