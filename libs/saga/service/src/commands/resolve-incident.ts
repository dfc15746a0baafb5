import { sagaContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OperateWorkflow } from './operate-workflow';

export class ResolveIncident extends commandOf(sagaContract.resolveIncident) {}

@CommandHandler(ResolveIncident)
export class ResolveIncidentHandler implements ICommandHandler<ResolveIncident> {
  constructor(private readonly operate: OperateWorkflow) {}

  execute({ data, at, cause }: ResolveIncident) {
    return this.operate.carryOut({ type: 'ResolveIncident', data, at }, cause);
  }
}
