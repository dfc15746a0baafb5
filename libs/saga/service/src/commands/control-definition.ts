import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  definitionControl,
  definitionControlStream,
  type DefinitionControlCommand,
} from '@downbeat/saga-domain';
import { carryOut, commandOf, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefinitionLibrary } from '../definitions/definition-library';
import { DEFINITION_CONTROL_HINT } from '../definitions/paused-definitions';

export class PauseDefinition extends commandOf(sagaContract.pauseDefinition) {}
export class ResumeDefinition extends commandOf(sagaContract.resumeDefinition) {}

/** Records what an operator said of a workflow, and wakes the replicas that are to follow it. */
@Injectable()
export class ControlDefinition {
  constructor(
    private readonly store: EventStore,
    private readonly library: DefinitionLibrary,
    private readonly bus: MessageBus,
  ) {}

  async carryOut(command: DefinitionControlCommand, cause: Cause) {
    const { workflow_name } = command.data;
    const known = await this.library.find(workflow_name);
    if (known instanceof Rejection) return refused(known);
    const stream = definitionControlStream(workflow_name);
    const answer = (state: typeof definitionControl.initialState) => ({
      workflow_name,
      is_paused: state.runs !== undefined,
    });
    const outcome = await carryOut(this.store, definitionControl, stream, command, cause, answer);
    if (outcome.accepted) this.bus.hint(DEFINITION_CONTROL_HINT, { position: outcome.position });
    return outcome;
  }
}

@CommandHandler(PauseDefinition)
export class PauseDefinitionHandler implements ICommandHandler<PauseDefinition> {
  constructor(private readonly control: ControlDefinition) {}

  execute({ data, at, cause }: PauseDefinition) {
    return this.control.carryOut({ type: 'PauseDefinition', data, at }, cause);
  }
}

@CommandHandler(ResumeDefinition)
export class ResumeDefinitionHandler implements ICommandHandler<ResumeDefinition> {
  constructor(private readonly control: ControlDefinition) {}

  execute({ data, at, cause }: ResumeDefinition) {
    return this.control.carryOut({ type: 'ResumeDefinition', data, at }, cause);
  }
}
