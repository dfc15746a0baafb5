import { canonicalJson } from '../definition/canonical-json';
import {
  isGroup,
  isRequest,
  nameOf,
  stepOf,
  type Call,
  type CompiledDefinition,
  type CompiledGroup,
  type CompiledRequest,
  type CompiledStep,
} from '../definition/compiled';
import { ERRORS } from '../definition/check-errors';
import { writesOf } from '../definition/check-data';
import { applyMapping } from '../expressions/mapping';
import { isUndoable } from './plan';
import { wayFaults, type MigrationFault } from './migration-way';
import { contextIn, scopeOf } from './scopes';
import { allAround, spotOf } from './spot';
import { hasEffect, isUnderWay, type Effected, type Run, type StepState } from './state';

/** What becomes of a step when the run goes on by another definition. */
export interface MigratedStep {
  readonly step: string;
  /**
   * `kept`: done, and stays as it is. `goes_on`: under way, and answered by the new definition.
   * `called_anew`: the next call is another request. `follows`: ahead, in both. `added`, `removed`:
   * ahead, in one of them. `refused`: the run cannot migrate because of it.
   */
  readonly fate: 'kept' | 'goes_on' | 'called_anew' | 'follows' | 'added' | 'removed' | 'refused';
  readonly message?: string;
}

export interface MigrationPlan {
  readonly steps: readonly MigratedStep[];
  /** None: it is possible. */
  readonly faults: readonly MigrationFault[];
  /** Steps whose next call is another request, under a key of its own. */
  readonly anew: readonly string[];
  /** The same of undos. */
  readonly undoAnew: readonly string[];
}

/**
 * Compares what a run has done with another version of its definition, step by step. Possible is what
 * could have come about by that version too, and what can still be undone by it.
 */
export function planMigration(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
): MigrationPlan {
  const faults: MigrationFault[] = [];
  const anew: string[] = [];
  const undoAnew: string[] = [];
  for (const address of run.steps.keys()) stepFaults(from, to, run, address, faults, anew);
  // Ways can be compared only between steps that are there.
  if (faults.length === 0 && run.status !== 'compensating')
    faults.push(...wayFaults(from, to, run));
  if (faults.length === 0)
    for (const effect of run.effects) undoFaults(from, to, run, effect, faults, undoAnew);
  otherFaults(from, to, run, faults);
  return { steps: fates(from, to, run, faults, anew), faults, anew, undoAnew };
}

function stepFaults(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  address: string,
  faults: MigrationFault[],
  anew: string[],
): void {
  const state = run.steps.get(address);
  const now = stepOf(from, address);
  const then = to.steps.get(nameOf(address));
  const fault = (message: string) => faults.push({ place: address, message });
  if (!state) return;
  if (!then) return void fault(`was reached, and is no step of ${to.version}`);
  if (then.type !== now.type)
    return void fault(`was reached as a ${now.type}, and is a ${then.type} in ${to.version}`);
  if (then.parent !== now.parent || then.branch !== now.branch)
    return void fault(`was reached, and stands in another place of ${to.version}`);
  if (isGroup(now) && isGroup(then)) groupFaults(now, then, state, fault);
  if (isRequest(now) && isRequest(then) && 'attempt' in state && state.attempt > 0) {
    const why = requestFault(from, run, address, now, then, state);
    if (why === 'anew') anew.push(address);
    else if (why !== undefined) fault(why);
  }
  if (state.status === 'awaiting' && then.type === 'wait_for_signal')
    if (then.signal !== state.signal)
      fault(`waits for the signal ${state.signal}, and for ${then.signal} in ${to.version}`);
  if (state.status === 'passed' && state.goto === undefined)
    for (const key of missingKeys(from, run, address, now, then))
      fault(`is done, and did not write ${key}, which it does in ${to.version}`);
}

function groupFaults(
  now: CompiledGroup,
  then: CompiledGroup,
  state: StepState,
  fault: (message: string) => void,
): void {
  if (now.join !== then.join) fault(`was begun with join ${now.join}, not ${then.join}`);
  if (now.type === 'parallel' && then.type === 'parallel') {
    const names = (group: typeof now) => group.branches.map(({ name }) => name).toSorted();
    if (names(now).join() !== names(then).join()) fault('was begun with other branches');
  }
  if (now.type !== 'map' || then.type !== 'map' || state.status !== 'branching') return;
  if (state.begun > 0 && now.as !== then.as) fault(`was begun with its items as ${now.as}`);
  const keys = ({ collect }: typeof now) => collect.fields.map(({ key }) => key).toSorted();
  if (state.results.size > 0 && keys(now).join() !== keys(then).join())
    fault('collects other keys than of the items that are done');
}

type CalledState = Extract<StepState, { readonly attempt: number }>;

/**
 * A call that is under way, or may have had an effect, must stay the request it is: so its target may
 * not change. One that failed for sure, as every call before it did, may become another.
 */
function requestFault(
  from: CompiledDefinition,
  run: Run,
  address: string,
  now: CompiledRequest,
  then: CompiledRequest,
  state: CalledState,
): string | 'anew' | undefined {
  if (now.type === 'sub_workflow' || then.type === 'sub_workflow') {
    const isSame =
      now.type === 'sub_workflow' &&
      then.type === 'sub_workflow' &&
      now.workflowName === then.workflowName;
    return isSame ? undefined : 'was begun with another workflow';
  }
  // A failure that was passed over is done with.
  if (state.status === 'failed' && state.isOptional) return undefined;
  const isSame = isSameTarget(now.call, then.call);
  const hasFailed =
    state.status === 'failed'
      ? state.outcome === 'failed'
      : state.status === 'waiting' && !state.isDoubtful;
  if (!hasFailed || hasEffect(run, address))
    return isSame ? undefined : 'was called, and would be called elsewhere';
  const scope = scopeOf(from, spotOf(from, address));
  const formed = applyMapping(then.call.input, { context: contextIn(run, scope) });
  if (!formed.ok) return `its input cannot be formed: ${formed.message}`;
  return isSame && canonicalJson(formed.value) === canonicalJson(state.input) ? undefined : 'anew';
}

export const isSameTarget = (one: Call, other: Call): boolean =>
  one.service_name === other.service_name &&
  one.endpoint === other.endpoint &&
  one.method === other.method;

/** What a step that is done would have written by the new definition, and nobody has. */
function missingKeys(
  from: CompiledDefinition,
  run: Run,
  address: string,
  now: CompiledStep,
  then: CompiledStep,
): readonly string[] {
  const spot = spotOf(from, address);
  // Of what items and branches of a race had for themselves nothing is left.
  const isGone = allAround(from, spot).some(({ group }) => {
    const isOwn = group.step.type === 'map' || group.step.join === 'race';
    return isOwn && run.steps.get(group.address)?.status === 'passed';
  });
  if (isGone) return [];
  const context = contextIn(run, scopeOf(from, spot));
  const before = new Set(writesOf(now).map(({ key }) => key));
  return writesOf(then)
    .map(({ key }) => key)
    .filter((key) => !before.has(key) && !Object.hasOwn(context, key));
}

/** What was done is undone by the new definition, and must be no less undoable than before. */
function undoFaults(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  effect: Effected,
  faults: MigrationFault[],
  undoAnew: string[],
): void {
  const { step: address, context, output, undoAttempts = 0, isUndoDoubtful } = effect;
  const fault = (message: string) => faults.push({ place: address, message });
  if (!isUndoable(to, address)) {
    if (isUndoable(from, address)) fault(`can be undone now, and not by ${to.version}`);
    return;
  }
  const [now, then] = [stepOf(from, address), stepOf(to, address)];
  if (then.type !== 'service_call' || !then.undo || now.type !== 'service_call') return;
  const formed = applyMapping(then.undo.input, { context, output });
  if (!formed.ok) return void fault(`the input of its undo cannot be formed: ${formed.message}`);
  if (undoAttempts === 0) return;
  const undo = run.compensation?.remaining[0] === address ? run.compensation.undo : undefined;
  const isSame = now.undo !== undefined && isSameTarget(now.undo, then.undo);
  const before = undo
    ? undo.input
    : now.undo && orNothing(applyMapping(now.undo.input, { context, output }));
  if (isSame && before && canonicalJson(before) === canonicalJson(formed.value)) return;
  if (undo && undo.status !== 'parked')
    return void fault(`is being undone, and would be undone ${isSame ? 'otherwise' : 'elsewhere'}`);
  if (undo && !undo.isDoubtful && !isUndoDoubtful) undoAnew.push(address);
  else fault('its undo was called, may have taken effect, and would be another one');
}

const orNothing = (formed: ReturnType<typeof applyMapping>) =>
  formed.ok ? formed.value : undefined;

function otherFaults(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  faults: MigrationFault[],
): void {
  const awaited = new Set(
    [...to.steps.values()].flatMap((step) =>
      step.type === 'wait_for_signal' ? [step.signal] : [],
    ),
  );
  for (const signal of new Set(run.signals.map((kept) => kept.signal)))
    if (!awaited.has(signal))
      faults.push({
        place: `signals.${signal}`,
        message: `was received, and no step of ${to.version} waits for it`,
      });
  const contexts = [run.context, ...run.scopes.values()];
  const isTaken = contexts.some((context) => Object.hasOwn(context, ERRORS));
  if (to.isCatching && !from.isCatching && isTaken)
    faults.push({
      place: `context_data.${ERRORS}`,
      message: `is where ${to.version} keeps caught errors`,
    });
}

function fates(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  faults: readonly MigrationFault[],
  anew: readonly string[],
): readonly MigratedStep[] {
  const refusals = new Map(faults.map(({ place, message }) => [place, message]));
  const refused = (step: string): MigratedStep | undefined => {
    const message = refusals.get(step);
    return message === undefined ? undefined : { step, fate: 'refused', message };
  };
  const reached = [...run.steps].map(([step, state]): MigratedStep => {
    if (anew.includes(step)) return refused(step) ?? { step, fate: 'called_anew' };
    const isOpen = isUnderWay(state) || state.status === 'branching';
    const isStuck =
      state.status === 'abandoned' || (state.status === 'failed' && !state.isOptional);
    return refused(step) ?? { step, fate: isOpen || isStuck ? 'goes_on' : 'kept' };
  });
  const known = new Set([...run.steps.keys()].map(nameOf));
  const ahead = [...to.steps.keys()].filter((name) => !known.has(name));
  const removed = [...from.steps.keys()].filter((name) => !known.has(name) && !to.steps.has(name));
  return [
    ...reached,
    ...ahead.map(
      (step): MigratedStep =>
        refused(step) ?? { step, fate: from.steps.has(step) ? 'follows' : 'added' },
    ),
    ...removed.map((step): MigratedStep => ({ step, fate: 'removed' })),
  ];
}
