import { auditContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { AuditLog } from '@downbeat/event-store';
import { Rejection, type RecordedEvent } from '@downbeat/eventsourcing';
import {
  compileDefinition,
  workflowStream,
  type CompiledDefinition,
  type WorkflowStarted,
} from '@downbeat/saga-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { HeavyWork, tooLarge } from '../heavy-work';
import type { Patience } from '../patience';
import { REPLAY_LIMITS, type ReplayLimits } from './replay.queries';
import { appendsOf, eventsOf } from './stream-events';
import { courseWith } from './what-if';
import { definitionsOf, type FindDefinition } from './workflow-definitions';

const { whatIf } = auditContract;
type Run = AnswerOf<typeof whatIf>['runs'][number];

/** Answers what past runs would have done with another definition. */
@Controller()
export class WhatIfQueries {
  constructor(
    private readonly log: AuditLog,
    private readonly heavyWork: HeavyWork,
  ) {}

  @Answers(whatIf)
  async whatIf({ input }: Question<InputOf<typeof whatIf>>) {
    const definition = compileDefinition(input.definition);
    if (definition instanceof Rejection) return within('definition', definition);
    const position = (await this.log.headCommit())?.last ?? 0;
    const runs = await this.heavyWork.run((patience) =>
      coursesOf(this.log, definition, input.workflow_ids, patience),
    );
    return runs instanceof Rejection ? runs : { position, data: { runs } };
  }
}

/** Each run's, in the order asked for. */
export async function coursesOf(
  log: AuditLog,
  definition: CompiledDefinition,
  workflowIds: readonly string[],
  patience: Patience,
  limits: ReplayLimits = REPLAY_LIMITS,
): Promise<Run[] | Rejection> {
  const runs: Run[] = [];
  const find = definitionsOf(log);
  const left = { events: limits.eventsMax, bytes: limits.answerBytesMax };
  for (const workflow_id of workflowIds) {
    const events: RecordedEvent[] = [];
    const stream = workflowStream(workflow_id);
    for await (const event of eventsOf(log, stream)) {
      events.push(event);
      if (events.length > Math.min(limits.streamEventsMax, left.events))
        return tooLarge(`${stream} brings it to too many events`);
    }
    const run = await courseOf(definition, workflow_id, events, find, patience);
    left.events -= events.length;
    left.bytes -= Buffer.byteLength(JSON.stringify(run));
    if (left.bytes < 0) return tooLarge('the differences are too large for one answer');
    runs.push(run);
  }
  return runs;
}

async function courseOf(
  definition: CompiledDefinition,
  workflow_id: string,
  events: readonly RecordedEvent[],
  find: FindDefinition,
  patience: Patience,
): Promise<Run> {
  const [first] = events;
  if (!first) return { workflow_id, outcome: 'unknown', decisions_compared: 0 };
  const { workflow_name } = first.data as Partial<WorkflowStarted['data']>;
  const appends = appendsOf(inTurns(events, patience));
  const course = await courseWith(definition, appends, async (pinned) => {
    if (workflow_name === undefined) return undefined;
    const workflow_version = 'to_version' in pinned ? pinned.to_version : pinned.workflow_version;
    const found = await find({ workflow_name, workflow_version, checksum: pinned.checksum });
    return typeof found === 'string' ? undefined : found;
  });
  return { workflow_id, outcome: course.first_difference ? 'differs' : 'same', ...course };
}

async function* inTurns<Item>(items: readonly Item[], patience: Patience): AsyncGenerator<Item> {
  for (const item of items) {
    await patience.turn();
    yield item;
  }
}

const within = (field: string, { code, message, kind, errors }: Rejection): Rejection =>
  new Rejection(
    code,
    message,
    kind,
    errors.map((error) => ({ ...error, field: `${field}.${error.field}` })),
  );
