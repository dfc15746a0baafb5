import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { WITH_DEFINITION } from './definition-pauses';
import { branchesAround, nameAt } from './places';

/** The same for what failing runs offer: pauses, incidents, rules, catching, savepoints, edits. */
export const FAILURE_CASES = [
  'a run was paused while it went on',
  'a run was paused while it was undone',
  'a paused run changed hands',
  'a run was paused with its definition',
  'a run was resumed with its definition',
  'a run was resumed, and its definition stays paused',
  'a step waited until its definition was resumed',
  'a call was answered in a pause',
  'a call failed in a pause',
  'an undo was answered in a pause',
  'a signal came in a pause',
  'a pause was ended by a compensation',
  'a run went on at the end of a pause',
  'an incident: undo_failed',
  'an incident: undo_input',
  'an incident was resolved: retry',
  'an incident was resolved: skip',
  'an incident was resolved: done_by_hand',
  'an incident was resolved: overtaken',
  'a skipped effect was undone later',
  'caught: failed',
  'caught: unknown',
  'caught: unusable',
  'caught: a run that stands for a step',
  'an answer was too large',
  'an answer of an undo was too large',
  'a failure was caught in a branch',
  'a step read what was caught before it',
  'a rule gave another try',
  'a rule gave none',
  'the policy governed what no rule names',
  'a rule governed an undo',
  'undone back to a savepoint',
  'undone back to a savepoint that was named',
  'undone as a whole, no savepoint was passed',
  'undone back to a point of no return',
  'undone as the definition names',
  'undone as somebody named',
  'a step that failed for sure was undone',
  'a call was made with an edited input',
  'an edited call was answered',
  'a call in doubt was made with the input it had',
] as const;
export type FailureCase = (typeof FAILURE_CASES)[number];

type Recorded = RunEvent & Pick<RecordedEvent, 'commit_no' | 'meta'>;
type EventOf<Type extends RunEvent['type']> = Extract<Recorded, { type: Type }>;
type Past = readonly Recorded[];

/** Every such turn that a run took with this event. */
export const failureCasesOf = (
  definition: CompiledDefinition,
  event: Recorded,
  past: Past,
  next: Recorded | undefined,
): readonly FailureCase[] => [
  ...ofPauses(event, past, next),
  ...ofDefinitions(event, past),
  ...ofIncidents(event, past),
  ...ofCatching(definition, event),
  ...ofRules(definition, event),
  ...ofPlans(definition, event, past),
  ...ofEdits(event, past),
];

const IN_A_PAUSE: Partial<Record<RunEvent['type'], FailureCase>> = {
  StepCompleted: 'a call was answered in a pause',
  StepAttemptFailed: 'a call failed in a pause',
  StepCompensated: 'an undo was answered in a pause',
  UndoAttemptFailed: 'an undo was answered in a pause',
  SignalReceived: 'a signal came in a pause',
  CompensationRequested: 'a pause was ended by a compensation',
};

function ofPauses(event: Recorded, past: Past, next: Recorded | undefined): readonly FailureCase[] {
  const { type, commit_no } = event;
  if (type === 'WorkflowPaused')
    return isUndoing(past)
      ? ['a run was paused while it was undone']
      : ['a run was paused while it went on'];
  if (type === 'WorkflowResumed')
    return next?.commit_no === commit_no ? ['a run went on at the end of a pause'] : [];
  const isPaused =
    past.findLast((one) => one.type === 'WorkflowPaused' || one.type === 'WorkflowResumed')
      ?.type === 'WorkflowPaused';
  const found = isPaused ? IN_A_PAUSE[type] : undefined;
  return found === undefined ? [] : [found];
}

function ofDefinitions({ type, data, meta }: Recorded, past: Past): readonly FailureCase[] {
  if (type === 'WorkflowPaused')
    return data.definition_pause === undefined ? [] : ['a run was paused with its definition'];
  if (type !== 'WorkflowResumed') return [];
  const paused = past.findLast((one) => one.type === 'WorkflowPaused');
  if (paused?.data.definition_pause === undefined) return [];
  return meta.actor === WITH_DEFINITION
    ? ['a run was resumed with its definition']
    : ['a run was resumed, and its definition stays paused'];
}

const isUndoing = (past: Past): boolean =>
  past.findLast(({ type }) => type === 'CompensationStarted' || type === 'WorkflowCompensated')
    ?.type === 'CompensationStarted';

function ofIncidents({ type, data }: Recorded, past: Past): readonly FailureCase[] {
  if (type === 'IncidentOpened') return [`an incident: ${data.kind}`];
  if (type === 'IncidentResolved') return [`an incident was resolved: ${data.action}`];
  const isSkip = (one: Recorded): boolean =>
    one.type === 'IncidentResolved' && one.data.action === 'skip';
  const wasSkipped =
    type === 'StepCompensated' &&
    past.some((one) => isSkip(one) && 'step' in one.data && one.data.step === data.step);
  return wasSkipped ? ['a skipped effect was undone later'] : [];
}

function ofCatching(definition: CompiledDefinition, event: Recorded): readonly FailureCase[] {
  if (event.type === 'StepStarted' && 'why' in event.data.input)
    return ['a step read what was caught before it'];
  if (event.type === 'StepCompensated' && event.data.output === null)
    return definition.steps.get(nameAt(event.data.step))?.type === 'service_call'
      ? ['an answer of an undo was too large']
      : [];
  if (event.type !== 'StepFailed') return [];
  const { step, caught, outcome, undo } = event.data;
  return [
    ...(event.data.oversized ? (['an answer was too large'] as const) : []),
    ...(undo ? (['a step that failed for sure was undone'] as const) : []),
    ...(caught ? ([`caught: ${outcome}`] as const) : []),
    ...(caught && definition.steps.get(nameAt(step))?.type === 'sub_workflow'
      ? (['caught: a run that stands for a step'] as const)
      : []),
    ...(caught && branchesAround(definition, step).length > 0
      ? (['a failure was caught in a branch'] as const)
      : []),
  ];
}

function ofRules(definition: CompiledDefinition, { type, data }: Recorded): readonly FailureCase[] {
  if (type === 'UndoAttemptFailed')
    return data.rule === undefined ? [] : ['a rule governed an undo'];
  if (type !== 'StepAttemptFailed') return [];
  const step = definition.steps.get(nameAt(data.step));
  const rules = step?.type === 'service_call' ? step.call.rules : [];
  if (data.rule === undefined)
    return rules.length > 0 ? ['the policy governed what no rule names'] : [];
  if (data.retry_at !== undefined) return ['a rule gave another try'];
  return rules[data.rule]?.max_retries === 0 ? ['a rule gave none'] : [];
}

function ofPlans(
  definition: CompiledDefinition,
  { type, data }: Recorded,
  past: Past,
): readonly FailureCase[] {
  const asked = past.findLast(
    (one) => one.type === 'CompensationRequested' || one.type === 'RunRetried',
  );
  const named = asked?.type === 'CompensationRequested' ? asked.data : undefined;
  if (type === 'WorkflowCompensated') {
    const began = past.findLast((one) => one.type === 'CompensationStarted')?.data;
    const isCutShort = data.standing_steps.length > 0 && definition.savepoints.size === 0;
    return isCutShort && strategyOf(began) === 'partial'
      ? ['undone back to a point of no return']
      : [];
  }
  if (type !== 'CompensationStarted') return [];
  const { strategy, to_savepoint } = data;
  if (strategy === 'custom')
    return named?.custom_steps ? ['undone as somebody named'] : ['undone as the definition names'];
  if (strategy !== 'partial' || definition.savepoints.size === 0) return [];
  if (to_savepoint === undefined) return ['undone as a whole, no savepoint was passed'];
  return named?.to_savepoint === undefined
    ? ['undone back to a savepoint']
    : ['undone back to a savepoint that was named'];
}

const strategyOf = (data: RunEvent['data'] | undefined): string | undefined =>
  data && 'strategy' in data ? data.strategy : undefined;

function ofEdits(event: Recorded, past: Past): readonly FailureCase[] {
  const isEdited = (step: string): boolean =>
    past.some(({ type, data }) => type === 'StepRetried' && data.step === step && data.input);
  if (event.type === 'StepCompleted')
    return isEdited(event.data.step) ? ['an edited call was answered'] : [];
  if (event.type !== 'StepRetried') return [];
  if (event.data.input) return ['a call was made with an edited input'];
  return isInEditOfDoubt(event, past) ? ['a call in doubt was made with the input it had'] : [];
}

function isInEditOfDoubt({ data, commit_no }: EventOf<'StepRetried'>, past: Past): boolean {
  const isEdit = past.some(
    (one) =>
      one.type === 'RunRetried' &&
      one.commit_no === commit_no &&
      one.data.context_patch?.['count'] !== undefined,
  );
  const failed = past.findLast((one) => one.type === 'StepFailed' && one.data.step === data.step);
  const outcome = failed?.type === 'StepFailed' ? failed.data.outcome : 'failed';
  return isEdit && outcome !== 'failed';
}
