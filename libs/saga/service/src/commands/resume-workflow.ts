import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class ResumeWorkflow extends commandOf(sagaContract.resumeWorkflow) {}

@CommandHandler(ResumeWorkflow)
export class ResumeWorkflowHandler implements ICommandHandler<ResumeWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: ResumeWorkflow) {
    return this.operate.carryOut({ type: 'ResumeWorkflow', data, at }, cause);
  }
}
