import { sagaContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { isStarted, RULES } from '@downbeat/saga-domain';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefinitionLibrary } from '../definitions/definition-library';
import { RunEngine } from '../engine/run-engine';
import { workflowIdOf } from '../engine/workflow-id';
import { ExpectedDurations } from '../projections/workflows/expected-durations';

export class StartWorkflow extends commandOf(sagaContract.startWorkflow) {}

@CommandHandler(StartWorkflow)
export class StartWorkflowHandler implements ICommandHandler<StartWorkflow> {
  constructor(
    private readonly engine: RunEngine,
    private readonly library: DefinitionLibrary,
    private readonly durations: ExpectedDurations,
  ) {}

  async execute({ data, at, cause }: StartWorkflow) {
    const known = await this.library.find(data.workflow_name, data.workflow_version);
    if (known instanceof Rejection) return refused(known);
    const workflow_id = workflowIdOf(data.correlation_id);
    const estimated_duration_minutes = this.durations.minutesOf(data.workflow_name);
    const result = await this.engine.start(
      { type: 'StartWorkflow', data, at, workflow_id, checksum: known.checksum, rules: RULES },
      known,
      {
        ...cause,
        answer: (state) => ({
          workflow_id,
          correlation_id: data.correlation_id,
          status: isStarted(state) ? state.status : 'pending',
          estimated_duration_minutes,
        }),
      },
    );
    if (result instanceof Rejection) return refused(result);
    return accepted(result.position, result.answer ?? {}, result.repeated);
  }
}
