import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Rejection } from '@downbeat/eventsourcing';
import { bulkOperation, bulkStream, whyUnfit } from '@downbeat/saga-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefinitionLibrary } from '../definitions/definition-library';
import { BULK_HINT } from '../bulk/bulk-watch';
import { selectedRuns, whyTooWide } from '../bulk/selection';
import { workflows } from '../projections/workflows/workflows.projection';

export class StartBulkOperation extends commandOf(sagaContract.startBulkOperation) {}
export class AbortBulkOperation extends commandOf(sagaContract.abortBulkOperation) {}

const { BULK_RUNS_MAX } = sagaContract;

@CommandHandler(StartBulkOperation)
export class StartBulkOperationHandler implements ICommandHandler<StartBulkOperation> {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
    private readonly library: DefinitionLibrary,
  ) {}

  async execute({ data, at, cause }: StartBulkOperation) {
    const refusal = whyTooWide(data.filter) ?? whyUnfit(data) ?? (await this.whyUnknown(data));
    if (refusal) return refused(refusal);
    // What was recorded up to now counts: whoever saw a run fail may select it.
    const as = { min_position: await this.store.head() };
    const { data: runs } = await this.readModels.ask(workflows, as, (manager) =>
      selectedRuns(manager, data, { after: null, limit: BULK_RUNS_MAX + 1 }),
    );
    const { bulk_id } = data;
    const workflow_ids = runs.map(({ id }) => id);
    const command = { type: 'StartBulkOperation', data: { ...data, workflow_ids }, at } as const;
    const outcome = await carryOut(
      this.store,
      bulkOperation,
      bulkStream(bulk_id),
      command,
      cause,
      (state) => ({ bulk_id, count: state.workflowIds.length }),
    );
    if (outcome.accepted) this.bus.hint(BULK_HINT, { position: outcome.position });
    return outcome;
  }

  /** Nobody would migrate to what is not there. */
  private async whyUnknown({
    filter: { workflow_name },
    to_version,
  }: StartBulkOperation['data']): Promise<Rejection | undefined> {
    if (workflow_name === undefined || to_version === undefined) return undefined;
    const known = await this.library.find(workflow_name, to_version);
    return known instanceof Rejection ? known : undefined;
  }
}

@CommandHandler(AbortBulkOperation)
export class AbortBulkOperationHandler implements ICommandHandler<AbortBulkOperation> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: AbortBulkOperation) {
    const { bulk_id } = data;
    const command = { type: 'AbortBulkOperation', data, at } as const;
    return carryOut(this.store, bulkOperation, bulkStream(bulk_id), command, cause, () => ({
      bulk_id,
    }));
  }
}
