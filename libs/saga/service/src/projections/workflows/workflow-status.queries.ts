import { sagaContract, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { positionOf, type Read } from '@downbeat/projections';
import {
  evolveRunView,
  purgedRun,
  statementOf,
  stepRows,
  timelineEntry,
  workflowStream,
  type RunEvent,
  type RunView,
} from '@downbeat/saga-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { AnswerOf } from '@downbeat/contracts';
import { DefinitionLibrary } from '../../definitions/definition-library';
import { thatFits } from './that-fits';

const { workflowStatusQuery } = sagaContract;
type Answer = AnswerOf<typeof workflowStatusQuery>;

/** Answers how one run stands. It is read from its own events, so it is never behind. */
@Controller()
export class WorkflowStatusQueries {
  constructor(
    private readonly store: EventStore,
    private readonly library: DefinitionLibrary,
  ) {}

  @Answers(workflowStatusQuery)
  async status({
    input,
    as,
  }: Question<InputOf<typeof workflowStatusQuery>>): Promise<Read<Answer> | Rejection> {
    const past = await this.store.load<RunEvent>(workflowStream(input.workflow_id));
    const until = as.at === undefined ? undefined : await positionOf(this.store, as.at);
    const events = past.filter(({ position }) => until === undefined || position <= until);
    const view = events.reduce<RunView | undefined>(evolveRunView, undefined);
    if (!view) return new Rejection('workflow-unknown', 'there is no such workflow', 'not-found');
    if (view.purged_at !== undefined) return purgedRun(view.purged_at);
    const known = await this.library.find(view.workflow_name, view.workflow_version);
    if (known instanceof Rejection) return known;
    const { steps: _, ...workflow } = view;
    return {
      position: until ?? events.at(-1)?.position ?? 0,
      data: thatFits({
        workflow,
        steps: stepRows(view, known.definition),
        statement: statementOf(events, known.definition),
        execution_timeline: events.map((event) => ({
          ...timelineEntry(event),
          actor: event.meta.actor,
        })),
      }) as unknown as Answer,
    };
  }
}
