import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { retentionPolicy, retentionStream, type RetentionCommand } from '@downbeat/saga-domain';
import { carryOut, commandOf, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefinitionLibrary } from '../definitions/definition-library';
import { RETENTION_HINT } from '../retention/retention-watch';

export class PutRetentionPolicy extends commandOf(sagaContract.putRetentionPolicy) {}
export class DeleteRetentionPolicy extends commandOf(sagaContract.deleteRetentionPolicy) {}

/** Records how long ended runs stay, and wakes the replica that archives. */
@Injectable()
export class ControlRetention {
  constructor(
    private readonly store: EventStore,
    private readonly library: DefinitionLibrary,
    private readonly bus: MessageBus,
  ) {}

  async carryOut(command: RetentionCommand, cause: Cause) {
    const { workflow_name } = command.data;
    // One that was said of a name nobody has registered can still be taken back.
    if (command.type === 'PutRetentionPolicy' && workflow_name !== sagaContract.DEFAULT_POLICY) {
      const known = await this.library.find(workflow_name);
      if (known instanceof Rejection) return refused(known);
    }
    const stream = retentionStream(workflow_name);
    const outcome = await carryOut(this.store, retentionPolicy, stream, command, cause, () => ({
      workflow_name,
    }));
    if (outcome.accepted) this.bus.hint(RETENTION_HINT, { position: outcome.position });
    return outcome;
  }
}

@CommandHandler(PutRetentionPolicy)
export class PutRetentionPolicyHandler implements ICommandHandler<PutRetentionPolicy> {
  constructor(private readonly control: ControlRetention) {}

  execute({ data, at, cause }: PutRetentionPolicy) {
    return this.control.carryOut({ type: 'PutRetentionPolicy', data, at }, cause);
  }
}

@CommandHandler(DeleteRetentionPolicy)
export class DeleteRetentionPolicyHandler implements ICommandHandler<DeleteRetentionPolicy> {
  constructor(private readonly control: ControlRetention) {}

  execute({ data, at, cause }: DeleteRetentionPolicy) {
    return this.control.carryOut({ type: 'DeleteRetentionPolicy', data, at }, cause);
  }
}
