import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Fault, Rejection } from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  workflowStream,
  type PendingOccurrence,
  type RunEvent,
  type RunState,
  type RunStatus,
  type SchedulePlan,
} from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { StartRuns } from '../commands/start-runs';
import { PausedDefinitions } from '../definitions/paused-definitions';
import { workflowIdOf } from '../engine/workflow-id';

const ENDED: ReadonlySet<RunStatus> = new Set(['completed', 'failed', 'compensated']);

/** No replica takes a new run at the moment. What has come due is started later, and is not lost. */
export class NoRoomForRun extends Fault {
  override readonly name = 'NoRoomForRun';
  readonly code = 'saga/no-room-for-run';
  readonly remedy = 'retry';
}

/** The runs that schedules start: each occurrence has one at most, however often its start is tried. */
@Injectable()
export class ScheduledRuns {
  constructor(
    private readonly store: EventStore,
    private readonly runs: StartRuns,
    private readonly paused: PausedDefinitions,
  ) {}

  /** Whether no run of this workflow may begin for now. */
  isPaused(workflowName: string): Promise<boolean> {
    return this.paused.has(workflowName);
  }

  /** @throws A fault, when it is not known whether it was started: to be tried again. */
  async start(
    name: string,
    plan: SchedulePlan,
    { due_at, correlation_id }: PendingOccurrence,
  ): Promise<{ readonly workflow_id: string } | Rejection> {
    const workflow_id = workflowIdOf(correlation_id);
    const initiating_service = `schedule:${name}`;
    // It may have been started before with another version, and be held by another replica now.
    const there = await this.stateOf(correlation_id);
    if (isStarted(there) && there.started.initiating_service === initiating_service)
      return { workflow_id };
    const version =
      plan.workflow_version === undefined ? {} : { workflow_version: plan.workflow_version };
    const data = {
      workflow_name: plan.workflow_name,
      ...version,
      correlation_id,
      initiating_service,
      context_data: {
        ...plan.context_data,
        [sagaContract.OCCURRENCE_KEY]: { schedule: name, due_at },
      },
      ...(plan.priority === undefined ? {} : { priority: plan.priority }),
    } as Parameters<StartRuns['start']>[0];
    const meta = { correlation_id, causation_id: correlation_id, actor: 'saga-schedules' };
    const outcome = await this.runs.start(data, { meta });
    if (outcome.accepted) return { workflow_id };
    const { code, message, kind } = outcome.problem;
    if (kind === 'unavailable' || kind === 'internal') throw new NoRoomForRun(message);
    return new Rejection(code, message, kind);
  }

  /** @returns Undefined while it has not ended. */
  async endOf(correlationId: string): Promise<RunStatus | undefined> {
    const state = await this.stateOf(correlationId);
    return isStarted(state) && ENDED.has(state.status) ? state.status : undefined;
  }

  private async stateOf(correlationId: string): Promise<RunState> {
    const past = await this.store.load<RunEvent>(workflowStream(workflowIdOf(correlationId)));
    return (past as readonly RunEvent[]).reduce(evolveRun, NOT_STARTED);
  }
}
