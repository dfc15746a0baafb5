import type { Json, JsonObject, Position, RecordedEvent } from '@downbeat/eventsourcing';
import { fold, Rejection } from '@downbeat/eventsourcing';
import {
  canonicalJson,
  causeOf,
  runDecider,
  type CompiledDefinition,
  type RunCommand,
  type RunEvent,
} from '@downbeat/saga-domain';
import { plain } from './plain';

/** Where a run would first have gone another way. */
export interface Departure {
  readonly position: Position;
  readonly recorded: Json;
  readonly derived: Json;
}

export interface Course {
  /** Appends in which it would have gone the same way. */
  readonly decisions_compared: number;
  readonly first_difference?: Departure;
}

/**
 * What a run would have done with another definition, given the answers, signals and timers that came
 * in: every decision is made again with it, up to the first that differs. After that the recorded
 * answers are answers to something else, so nothing more can be said.
 */
export async function courseWith(
  definition: CompiledDefinition,
  appends: AsyncIterable<readonly RecordedEvent[]>,
): Promise<Course> {
  const decider = runDecider(definition);
  let state = decider.initialState;
  let decisions_compared = 0;
  for await (const append of appends) {
    const recorded = append.map(({ type, data }) => ({ type, data }) as RunEvent);
    const command = causeOf(recorded, state);
    const decision = command
      ? decided(() => decider.decide(withVersion(command, definition), state))
      : 'nothing that comes in leads to these events';
    const derived = typeof decision === 'string' ? decision : visible(decision);
    if (canonicalJson(derived) !== canonicalJson(visible(recorded))) {
      const position = append[0]?.position ?? 0;
      const first_difference = { position, recorded: visible(recorded), derived };
      return { decisions_compared, first_difference };
    }
    if (typeof decision !== 'string') state = fold(decider, decision, state);
    decisions_compared++;
  }
  return { decisions_compared };
}

/** Recorded answers may not fit a definition that asks otherwise; that is a difference too. */
function decided(decide: () => readonly RunEvent[] | Rejection): readonly RunEvent[] | string {
  try {
    const decision = decide();
    return decision instanceof Rejection ? `${decision.code}: ${decision.message}` : decision;
  } catch (fault) {
    if (!(fault instanceof Error)) throw fault;
    return fault.message;
  }
}

const withVersion = (command: RunCommand, { version }: CompiledDefinition): RunCommand =>
  command.type === 'StartWorkflow'
    ? { ...command, data: { ...command.data, workflow_version: version } }
    : command;

/** Facts about the definition alone: versions may differ in them while a run goes the same way. */
const OF_THE_DEFINITION = new Set([
  'workflow_version',
  'checksum',
  'total_steps',
  'place',
  'compensation_strategy',
  'timeout_at',
]);

const visible = (events: readonly RunEvent[]): Json =>
  plain(
    events.map(({ type, data }) => ({
      type,
      data: Object.fromEntries(
        Object.entries(data as JsonObject).filter(([key]) => !OF_THE_DEFINITION.has(key)),
      ),
    })),
  );
