import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class CompensateWorkflow extends commandOf(sagaContract.compensateWorkflow) {}

@CommandHandler(CompensateWorkflow)
export class CompensateWorkflowHandler implements ICommandHandler<CompensateWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: CompensateWorkflow) {
    return this.operate.carryOut({ type: 'CompensateWorkflow', data, at }, cause);
  }
}
