import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class MigrateWorkflow extends commandOf(sagaContract.migrateWorkflow) {}

@CommandHandler(MigrateWorkflow)
export class MigrateWorkflowHandler implements ICommandHandler<MigrateWorkflow> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: MigrateWorkflow) {
    return this.operate.carryOut({ type: 'MigrateWorkflow', data, at }, cause);
  }
}
