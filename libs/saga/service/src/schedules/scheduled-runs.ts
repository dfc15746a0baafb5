import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { instantOf, Rejection } from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  RULES,
  workflowStream,
  type PendingOccurrence,
  type RunEvent,
  type RunState,
  type RunStatus,
  type SchedulePlan,
  type StartWorkflow,
} from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { DefinitionLibrary } from '../definitions/definition-library';
import { RunEngine } from '../engine/run-engine';
import { workflowIdOf } from '../engine/workflow-id';

const ENDED: ReadonlySet<RunStatus> = new Set(['completed', 'failed', 'compensated']);

/** The runs that schedules start: each occurrence has one at most, however often its start is tried. */
@Injectable()
export class ScheduledRuns {
  constructor(
    private readonly store: EventStore,
    private readonly engine: RunEngine,
    private readonly library: DefinitionLibrary,
  ) {}

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
    const known = await this.library.find(plan.workflow_name, plan.workflow_version);
    if (known instanceof Rejection) return known;
    const data = {
      workflow_name: plan.workflow_name,
      workflow_version: known.definition.version,
      correlation_id,
      initiating_service,
      context_data: {
        ...plan.context_data,
        [sagaContract.OCCURRENCE_KEY]: { schedule: name, due_at },
      },
      ...(plan.priority === undefined ? {} : { priority: plan.priority }),
    } as StartWorkflow['data'];
    const meta = { correlation_id, causation_id: correlation_id, actor: 'saga-schedules' };
    const { checksum } = known;
    const result = await this.engine.start(
      // The run's own clock says when.
      { type: 'StartWorkflow', data, at: instantOf(0), workflow_id, checksum, rules: RULES },
      known,
      { meta, answer: () => ({}) },
    );
    return result instanceof Rejection ? result : { workflow_id };
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
