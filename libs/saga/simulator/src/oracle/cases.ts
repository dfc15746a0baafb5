import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { FAILURE_CASES, failureCasesOf } from './failure-cases';
import { MIGRATION_CASES } from './migration-cases';
import { branchesAround, isWithin, nameAt } from './places';

/** What is hard to come by, and has to be met: which turn a step took, not only that it was there. */
export const CASES = [
  'parallel all',
  'parallel settle',
  'parallel race',
  'map all',
  'map settle',
  'a branch failed, the others settled',
  'an item failed, the others settled',
  'an item had to wait for its turn',
  'an item began again after a retry',
  'a signal was taken by a step that waited',
  'a signal came before anybody waited',
  'a signal was missed, with a default',
  'a signal was missed, without one',
  'a race left nothing to undo',
  'a race undid its losers',
  'a race was won beside a call of a loser',
  'a race had to wait for an operator',
  'a race was cut short while it undid',
  'a child completed',
  'a child failed',
  'a child was compensated before its parent asked',
  'a child was retried by its parent',
  'a child was undone by its parent',
  'a child had a child',
  'one replica asked another for a run',
  'a full replica had a run started elsewhere',
  ...FAILURE_CASES,
  ...MIGRATION_CASES,
] as const;
export type CaseName = (typeof CASES)[number];

type Recorded = RunEvent & Pick<RecordedEvent, 'meta' | 'commit_no'>;
type EventOf<Type extends RunEvent['type']> = Extract<Recorded, { type: Type }>;

/** Every such turn that a run took. */
export function casesOf(
  definition: CompiledDefinition,
  events: readonly RunEvent[],
): readonly CaseName[] {
  const recorded = events as readonly Recorded[];
  return recorded.flatMap((event, index) => [
    ...ofSignals(event, recorded[index - 1]),
    ...ofGroups(definition, event, recorded.slice(0, index)),
    ...ofRaces(definition, event, recorded.slice(0, index), recorded.slice(index + 1)),
    ...ofFamilies(definition, event),
    ...failureCasesOf(definition, event, recorded.slice(0, index), recorded[index + 1]),
  ]);
}

function ofSignals(event: Recorded, before: Recorded | undefined): readonly CaseName[] {
  if (event.type === 'SignalTaken')
    return before?.type === 'SignalAwaited'
      ? ['a signal came before anybody waited']
      : ['a signal was taken by a step that waited'];
  if (event.type !== 'SignalMissed') return [];
  return event.data.default === undefined
    ? ['a signal was missed, without one']
    : ['a signal was missed, with a default'];
}

function ofGroups(
  definition: CompiledDefinition,
  event: Recorded,
  past: readonly Recorded[],
): readonly CaseName[] {
  if (event.type === 'ParallelStarted') return [`parallel ${event.data.join ?? 'all'}`];
  if (event.type === 'MapItemStarted') return ofItem(event, past);
  if (event.type !== 'MapStarted' && event.type !== 'GroupFailed') return [];
  const group = definition.steps.get(nameAt(event.data.step));
  if (event.type === 'MapStarted') return group?.type === 'map' ? [`map ${group.join}`] : [];
  if (group?.type === 'map') return ['an item failed, the others settled'];
  const isSettled = group?.type === 'parallel' && group.join === 'settle';
  return isSettled ? ['a branch failed, the others settled'] : [];
}

function ofItem(
  { data: { step, index }, commit_no }: EventOf<'MapItemStarted'>,
  past: readonly Recorded[],
): readonly CaseName[] {
  const isSame = ({ type, data }: Recorded) =>
    type === 'MapItemStarted' && data.step === step && data.index === index;
  if (past.some(isSame)) return ['an item began again after a retry'];
  const begun = past.findLast(({ type, data }) => type === 'MapStarted' && data.step === step);
  return begun?.commit_no === commit_no ? [] : ['an item had to wait for its turn'];
}

function ofRaces(
  definition: CompiledDefinition,
  event: Recorded,
  past: readonly Recorded[],
  future: readonly Recorded[],
): readonly CaseName[] {
  const { type, data } = event;
  if (type === 'RaceUndoStarted') return ['a race undid its losers'];
  if (type === 'RaceWon') {
    const isLosers = (one: Recorded): boolean => isLoser(definition, data, one.data);
    return future.some((one) => isAnswer(one.type) && isLosers(one))
      ? ['a race was won beside a call of a loser']
      : [];
  }
  if (type === 'ParallelCompleted') {
    const isOf = (one: Recorded): boolean => 'step' in one.data && one.data.step === data.step;
    const was = (wanted: RunEvent['type']): boolean =>
      past.some((one) => one.type === wanted && isOf(one));
    return was('RaceWon') && !was('RaceUndoStarted') ? ['a race left nothing to undo'] : [];
  }
  if (!isRaceUndoing(past)) return [];
  if (type === 'IncidentOpened') return ['a race had to wait for an operator'];
  return type === 'WorkflowTimedOut' || type === 'CompensationRequested'
    ? ['a race was cut short while it undid']
    : [];
}

const isAnswer = (type: RunEvent['type']): boolean =>
  type === 'StepCompleted' || type === 'StepAttemptFailed';

function isLoser(
  definition: CompiledDefinition,
  { step, branch }: EventOf<'RaceWon'>['data'],
  data: RunEvent['data'],
): boolean {
  if (!('step' in data) || data.step === undefined) return false;
  const around = branchesAround(definition, data.step);
  return isWithin(around, step) && !isWithin(around, step, branch);
}

function isRaceUndoing(past: readonly Recorded[]): boolean {
  const isTurn = ({ type }: Recorded): boolean =>
    type === 'RaceUndoStarted' || type === 'ParallelCompleted' || type === 'CompensationStarted';
  return past.findLast(isTurn)?.type === 'RaceUndoStarted';
}

function ofFamilies(definition: CompiledDefinition, event: Recorded): readonly CaseName[] {
  const { type, data, meta } = event;
  const isEngines = meta.actor === 'saga-engine';
  if (type === 'WorkflowStarted')
    return (data.parent?.depth ?? 0) > 1 ? ['a child had a child'] : [];
  if (type === 'RunRetried') return isEngines ? ['a child was retried by its parent'] : [];
  if (!('step' in data) || data.step === undefined) return [];
  if (definition.steps.get(nameAt(data.step))?.type !== 'sub_workflow') return [];
  if (type === 'StepCompleted') return ['a child completed'];
  if (type === 'StepCompensated') return ['a child was undone by its parent'];
  if (type !== 'StepAttemptFailed') return [];
  return data.message.startsWith('the sub-workflow is compensated')
    ? ['a child was compensated before its parent asked']
    : ['a child failed'];
}
