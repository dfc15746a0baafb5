import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { targetControl, targetStream, type TargetCommand } from '@downbeat/saga-domain';
import { carryOut, commandOf, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { TARGET_HINT } from '../admission/followed-rules';

export class LimitTarget extends commandOf(sagaContract.limitTarget) {}
export class PauseTarget extends commandOf(sagaContract.pauseTarget) {}
export class ResumeTarget extends commandOf(sagaContract.resumeTarget) {}

/** Records what an operator said of a target, and wakes the replicas that are to follow it. */
@Injectable()
export class ControlTarget {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  async carryOut(command: TargetCommand, cause: Cause) {
    const { service_name } = command.data;
    const stream = targetStream(service_name);
    const outcome = await carryOut(this.store, targetControl, stream, command, cause, () => ({
      service_name,
    }));
    if (outcome.accepted) this.bus.hint(TARGET_HINT, { position: outcome.position });
    return outcome;
  }
}

@CommandHandler(LimitTarget)
export class LimitTargetHandler implements ICommandHandler<LimitTarget> {
  constructor(private readonly control: ControlTarget) {}

  execute({ data, at, cause }: LimitTarget) {
    return this.control.carryOut({ type: 'LimitTarget', data, at }, cause);
  }
}

@CommandHandler(PauseTarget)
export class PauseTargetHandler implements ICommandHandler<PauseTarget> {
  constructor(private readonly control: ControlTarget) {}

  execute({ data, at, cause }: PauseTarget) {
    return this.control.carryOut({ type: 'PauseTarget', data, at }, cause);
  }
}

@CommandHandler(ResumeTarget)
export class ResumeTargetHandler implements ICommandHandler<ResumeTarget> {
  constructor(private readonly control: ControlTarget) {}

  execute({ data, at, cause }: ResumeTarget) {
    return this.control.carryOut({ type: 'ResumeTarget', data, at }, cause);
  }
}
