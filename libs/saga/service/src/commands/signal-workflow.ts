import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class SignalWorkflow extends commandOf(sagaContract.signalWorkflow) {}

@CommandHandler(SignalWorkflow)
export class SignalWorkflowHandler implements ICommandHandler<SignalWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: SignalWorkflow) {
    return this.operate.carryOut({ type: 'SignalWorkflow', data, at }, cause);
  }
}
