import { EventStore } from '@downbeat/event-store';
import { Rejection, type Position } from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  planMigration,
  versionOf,
  whyNotMigrated,
  workflowStream,
  type MigrationPlan,
  type RunEvent,
} from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { DefinitionLibrary } from './definition-library';

/** What a migration would do to a run as it stands now. */
export interface ForeseenMigration {
  readonly position: Position;
  readonly from_version: string;
  readonly plan: MigrationPlan;
  /** Undefined: it is possible. */
  readonly refusal: Rejection | undefined;
}

/** Foresees migrations from what runs have recorded; whoever holds a run decides on what it has then. */
@Injectable()
export class Migrations {
  constructor(
    private readonly store: EventStore,
    private readonly library: DefinitionLibrary,
  ) {}

  async of(workflowId: string, toVersion: string): Promise<ForeseenMigration | Rejection> {
    const past = await this.store.load<RunEvent>(workflowStream(workflowId));
    const state = (past as readonly RunEvent[]).reduce(evolveRun, NOT_STARTED);
    if (!isStarted(state))
      return new Rejection('workflow-unknown', 'there is no such workflow', 'not-found');
    const from_version = versionOf(state);
    const from = await this.library.find(state.started.workflow_name, from_version);
    if (from instanceof Rejection) return from;
    const to = await this.library.find(state.started.workflow_name, toVersion);
    if (to instanceof Rejection) return to;
    const plan = planMigration(from.definition, to.definition, state);
    const refusal = whyNotMigrated(state, to.definition, plan);
    return { position: past.at(-1)?.position ?? 0, from_version, plan, refusal };
  }
}
