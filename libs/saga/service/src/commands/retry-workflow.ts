import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class RetryWorkflow extends commandOf(sagaContract.retryWorkflow) {}

@CommandHandler(RetryWorkflow)
export class RetryWorkflowHandler implements ICommandHandler<RetryWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: RetryWorkflow) {
    return this.operate.carryOut({ type: 'RetryWorkflow', data, at }, cause);
  }
}
