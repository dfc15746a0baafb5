import type { Instant, Json, JsonObject, Position, RecordedEvent } from '@downbeat/eventsourcing';
import { fold, Rejection } from '@downbeat/eventsourcing';
import {
  canonicalJson,
  causeOf,
  effectsOf,
  evolveRun,
  isStarted,
  NOT_STARTED,
  runDecider,
  type CompiledDefinition,
  type RunCommand,
  type RunEvent,
  type RunState,
  type WorkflowMigrated,
  type WorkflowStarted,
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
 *
 * A run that has migrated is taken to have gone by that definition all along: its migrations are as
 * they were recorded, and lead to it.
 *
 * @param originalOf What the run went by: events do not say who was called. Undefined when that cannot
 *        be told any more; then calls are not compared.
 */
export async function courseWith(
  definition: CompiledDefinition,
  appends: AsyncIterable<readonly RecordedEvent[]>,
  originalOf: (
    pinned: WorkflowStarted['data'] | WorkflowMigrated['data'],
  ) => Promise<CompiledDefinition | undefined> = () => Promise.resolve(undefined),
): Promise<Course> {
  const decider = runDecider(definition);
  let state = decider.initialState;
  let before: RunState = NOT_STARTED;
  let original: CompiledDefinition | undefined;
  let decisions_compared = 0;
  for await (const append of appends) {
    const recorded = append.map(({ type, data }) => ({ type, data }) as RunEvent);
    const pinning = recorded.find(isPinning);
    if (pinning) original = await originalOf(pinning.data);
    if (pinning?.type === 'WorkflowMigrated') {
      before = recorded.reduce(evolveRun, before);
      state = recorded
        .map((event) => (event === pinning ? migratedTo(definition, pinning) : event))
        .reduce(evolveRun, state);
      decisions_compared++;
      continue;
    }
    const command = causeOf(recorded, state);
    const late = whyLate(command?.at, before, state);
    before = recorded.reduce(evolveRun, before);
    const decision =
      late ??
      (command
        ? decided(() => decider.decide(withVersion(command, definition), state))
        : 'nothing that comes in leads to these events');
    if (typeof decision !== 'string') state = fold(decider, decision, state);
    const done = visible(recorded, original && callsOf(original, recorded, before));
    const derived =
      typeof decision === 'string'
        ? decision
        : visible(decision, original && callsOf(definition, decision, state));
    if (canonicalJson(derived) !== canonicalJson(done)) {
      const position = append[0]?.position ?? 0;
      return { decisions_compared, first_difference: { position, recorded: done, derived } };
    }
    decisions_compared++;
  }
  return { decisions_compared };
}

/** It says which definition the run goes by. */
const isPinning = (event: RunEvent): event is WorkflowStarted | WorkflowMigrated =>
  event.type === 'WorkflowStarted' || event.type === 'WorkflowMigrated';

const migratedTo = (
  { version, strategy, steps }: CompiledDefinition,
  { type, data }: WorkflowMigrated,
): WorkflowMigrated => ({
  type,
  data: {
    ...data,
    to_version: version,
    compensation_strategy: strategy,
    total_steps: steps.size,
  },
});

interface Said {
  readonly type: string;
  readonly data: object;
}

/** Whom the events lead to call, and with what; how long an answer may take is not compared. */
const callsOf = (
  definition: CompiledDefinition,
  events: readonly RunEvent[],
  after: RunState,
): readonly Said[] =>
  effectsOf(definition, events, after).flatMap((effect): Said[] => {
    if (effect.effect === 'call') {
      const { purpose, step, attempt, service_name, endpoint, method, input } = effect;
      const data = { purpose, step, attempt, service_name, endpoint, method, input };
      return [{ type: 'Call', data }];
    }
    if (effect.effect !== 'run-child') return [];
    const { purpose, step, attempt, workflow_name, workflow_version = null } = effect;
    return [
      { type: 'Child', data: { purpose, step, attempt, workflow_name, version: workflow_version } },
    ];
  });

/** What came in before the run timed out may be later than it would have timed out. */
function whyLate(at: Instant | undefined, was: RunState, is: RunState): string | undefined {
  if (at === undefined || !isStarted(was) || !isStarted(is) || is.status !== 'running')
    return undefined;
  if (is.pause || is.halt || at <= is.timeoutAt || at > was.timeoutAt) return undefined;
  return `it would have timed out at ${is.timeoutAt}`;
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

const visible = (events: readonly RunEvent[], calls: readonly Said[] = []): Json =>
  plain(
    [...events, ...calls].map(({ type, data }) => ({
      type,
      data: Object.fromEntries(
        Object.entries(data as JsonObject).filter(([key]) => !OF_THE_DEFINITION.has(key)),
      ),
    })),
  );
