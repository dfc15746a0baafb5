import {
  END,
  isGroup,
  isRequest,
  nameOf,
  stepOf,
  type CompiledDefinition,
  type CompiledStep,
  type Target,
} from '../definition/compiled';
import { aheadOf, targetsOf } from '../definition/check-data';
import { addressOf, aroundOf, spotOf, type Spot } from './spot';
import type { Run, StepState } from './state';

/** Why a run cannot go on by another definition; `place`: a step's address, or what else it is about. */
export interface MigrationFault {
  readonly place: string;
  readonly message: string;
}

/** The steps that were reached in one run of a sequence: the outermost, a branch, or an item's. */
interface Sequence {
  readonly some: Spot;
  readonly reached: string[];
}

interface Overtaken {
  readonly step: string;
  readonly before: string;
}

/**
 * Whether the way that the run has come leads through the same steps by the other definition: with
 * none before the present point that it would never run, and none behind the end of a branch that is
 * done.
 */
export function wayFaults(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
): readonly MigrationFault[] {
  return sequencesOf(from, run).flatMap((sequence) => faultsIn(from, to, run, sequence));
}

function sequencesOf(definition: CompiledDefinition, run: Run): readonly Sequence[] {
  const sequences = new Map<string, Sequence>();
  for (const address of run.steps.keys()) {
    const some = spotOf(definition, address);
    const { parent = '', branch = '' } = some.step;
    const key = `${parent}/${branch}/${some.indices.join('.')}`;
    const sequence = sequences.get(key) ?? { some, reached: [] };
    sequence.reached.push(address);
    sequences.set(key, sequence);
  }
  return [...sequences.values()];
}

function faultsIn(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  { some, reached }: Sequence,
): readonly MigrationFault[] {
  const { indices } = some;
  const wrong = reached.flatMap((address) => wrongTurn(from, to, run, address));
  if (wrong.length > 0) return wrong;
  const way = walked(to, run, firstOf(to, some), indices);
  const missed = reached.find((address) => !way.passed.has(address));
  if (missed !== undefined)
    return [
      way.stop === END || run.steps.has(way.stop)
        ? {
            place: missed,
            message: `was reached, and its way of ${to.version} does not lead there`,
          }
        : { place: nameOf(way.stop), message: `would stand before ${missed}, which was reached` },
    ];
  const came = walked(from, run, firstOf(from, some), indices);
  const turned = overtaken([...came.passed], [...way.passed]);
  if (turned)
    return [
      {
        place: turned.step,
        message: `was reached after ${turned.before}, and stands before it in ${to.version}`,
      },
    ];
  const isInside = aroundOf(from, some) !== undefined;
  const wasDone = isInside && came.stop === END;
  return wasDone && way.stop !== END
    ? [{ place: nameOf(way.stop), message: 'would stand behind the end of a branch that is done' }]
    : [];
}

/** The first step that was passed earlier than by the way before, and one that it has overtaken. */
function overtaken(before: readonly string[], after: readonly string[]): Overtaken | undefined {
  const at = after.findIndex((step, index) => step !== before[index]);
  const [step, passed] = [after[at], before[at]];
  return step === undefined || passed === undefined ? undefined : { step, before: passed };
}

/** A step went on at a place that it does not lead to by the other definition. */
function wrongTurn(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
  address: string,
): readonly MigrationFault[] {
  const state = run.steps.get(address);
  const goto = state && gotoOf(state);
  if (goto === undefined || state === undefined) return [];
  const [now, then] = [stepOf(from, address), stepOf(to, address)];
  if (isWay(now, then, state, goto, to)) return [];
  const message = `went on at ${goto}, where it does not lead in ${to.version}`;
  return [{ place: address, message }];
}

function isWay(
  now: CompiledStep,
  then: CompiledStep,
  state: StepState,
  goto: Target,
  to: CompiledDefinition,
): boolean {
  if (state.status === 'failed')
    return isRequest(then) && then.onError.some((caught) => caught.goto === goto);
  if (then.type === 'decision' && targetsOf(then).includes(goto)) return true;
  if (goto === now.next) return goto === then.next;
  // An operator has gone on behind a step that failed.
  return goto === END || (then.type !== 'decision' && aheadOf(then, to.steps).has(goto));
}

const gotoOf = (state: StepState): Target | undefined =>
  state.status === 'passed' || (state.status === 'failed' && state.isOptional)
    ? state.goto
    : undefined;

/** From the first step of a sequence to where the run waits in it, or is yet to begin something. */
function walked(
  definition: CompiledDefinition,
  run: Run,
  first: Target,
  indices: readonly number[],
): { readonly passed: ReadonlySet<string>; readonly stop: Target } {
  const passed = new Set<string>();
  let here = first;
  while (here !== END) {
    const address = addressOf(here, indices);
    const state = run.steps.get(address);
    if (!state) return { passed, stop: address };
    passed.add(address);
    const isPassed = state.status === 'passed' || (state.status === 'failed' && state.isOptional);
    if (!isPassed) return { passed, stop: address };
    here = gotoOf(state) ?? stepOf(definition, here).next;
  }
  return { passed, stop: END };
}

/** Where the sequence that a step stands in begins. */
function firstOf(definition: CompiledDefinition, { step: { name } }: Spot): Target {
  const { parent, branch } = stepOf(definition, name);
  if (parent === undefined) return definition.first;
  const group = stepOf(definition, parent);
  if (!isGroup(group)) return END;
  if (group.type === 'map') return group.first;
  return group.branches.find((one) => one.name === branch)?.first ?? END;
}
