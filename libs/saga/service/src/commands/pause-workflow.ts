import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class PauseWorkflow extends commandOf(sagaContract.pauseWorkflow) {}

@CommandHandler(PauseWorkflow)
export class PauseWorkflowHandler implements ICommandHandler<PauseWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: PauseWorkflow) {
    return this.operate.carryOut({ type: 'PauseWorkflow', data, at }, cause);
  }
}
