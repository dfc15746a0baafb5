import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type Instant } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  occurrenceId,
  schedule,
  scheduleStream,
  type ScheduleCommand,
} from '@downbeat/saga-domain';
import { carryOut, commandOf, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefinitionLibrary } from '../definitions/definition-library';
import { DatabaseClock } from '../engine/database-clock';
import { ScheduleSnapshots } from '../schedules/schedule-snapshots';
import { SCHEDULE_HINT } from '../schedules/schedule-watch';

export class PutSchedule extends commandOf(sagaContract.putSchedule) {}
export class PauseSchedule extends commandOf(sagaContract.pauseSchedule) {}
export class ResumeSchedule extends commandOf(sagaContract.resumeSchedule) {}
export class DeleteSchedule extends commandOf(sagaContract.deleteSchedule) {}
export class TriggerSchedule extends commandOf(sagaContract.triggerSchedule) {}

type WithoutTime<C> = C extends ScheduleCommand ? Omit<C, 'at'> : never;

/** Records what an operator said of a schedule, and wakes the replica that keeps it. */
@Injectable()
export class ControlSchedule {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly clock: DatabaseClock,
    private readonly snapshots: ScheduleSnapshots,
  ) {}

  /** By the database's time, as everything that a schedule decides on. */
  async carryOut(
    command: WithoutTime<ScheduleCommand>,
    cause: Cause,
    more: (at: Instant) => Readonly<Record<string, string>> = () => ({}),
  ) {
    const { name } = command.data;
    const at = instantOf(this.clock.now());
    const timed = { ...command, at } as ScheduleCommand;
    const stream = scheduleStream(name);
    const answer = () => ({ name, ...more(at) });
    const from = await this.snapshots.of(name);
    const outcome = await carryOut(this.store, schedule, stream, timed, cause, answer, from);
    if (outcome.accepted) this.bus.hint(SCHEDULE_HINT, { position: outcome.position });
    return outcome;
  }
}

@CommandHandler(PutSchedule)
export class PutScheduleHandler implements ICommandHandler<PutSchedule> {
  constructor(
    private readonly control: ControlSchedule,
    private readonly library: DefinitionLibrary,
  ) {}

  async execute({ data, cause }: PutSchedule) {
    const known = await this.library.find(data.workflow_name, data.workflow_version);
    if (known instanceof Rejection) return refused(known);
    return this.control.carryOut({ type: 'PutSchedule', data }, cause);
  }
}

@CommandHandler(PauseSchedule)
export class PauseScheduleHandler implements ICommandHandler<PauseSchedule> {
  constructor(private readonly control: ControlSchedule) {}

  execute({ data, cause }: PauseSchedule) {
    return this.control.carryOut({ type: 'PauseSchedule', data }, cause);
  }
}

@CommandHandler(ResumeSchedule)
export class ResumeScheduleHandler implements ICommandHandler<ResumeSchedule> {
  constructor(private readonly control: ControlSchedule) {}

  execute({ data, cause }: ResumeSchedule) {
    return this.control.carryOut({ type: 'ResumeSchedule', data }, cause);
  }
}

@CommandHandler(DeleteSchedule)
export class DeleteScheduleHandler implements ICommandHandler<DeleteSchedule> {
  constructor(private readonly control: ControlSchedule) {}

  execute({ data, cause }: DeleteSchedule) {
    return this.control.carryOut({ type: 'DeleteSchedule', data }, cause);
  }
}

@CommandHandler(TriggerSchedule)
export class TriggerScheduleHandler implements ICommandHandler<TriggerSchedule> {
  constructor(private readonly control: ControlSchedule) {}

  execute({ data, cause }: TriggerSchedule) {
    return this.control.carryOut({ type: 'TriggerSchedule', data }, cause, (at) => ({
      correlation_id: occurrenceId(data.name, at),
    }));
  }
}
