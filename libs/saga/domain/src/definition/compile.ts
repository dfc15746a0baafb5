import type { Step, WorkflowDefinition } from '@downbeat/contracts';
import { Rejection, type FieldError } from '@downbeat/eventsourcing';
import { checkCompensation, savepointsOf } from './check-compensation';
import { compileMapping } from '../expressions/mapping';
import { checkData } from './check-data';
import { checkFanOut } from './check-fan-out';
import { checkErrors, isCatching } from './check-errors';
import { checkFlow } from './check-flow';
import { checkShortestWay } from './check-shortest-way';
import { checkTime } from './check-time';
import { compileStep } from './compile-step';
import { END, type CompiledDefinition, type CompiledStep } from './compiled';
import { innerSequences } from './sequences';

export const STEPS_MAX = 500;
export const PARALLEL_DEPTH_MAX = 4;
const ERRORS_MAX = 50;

/**
 * Checks everything about a definition that can be known before it runs, and parses its expressions.
 *
 * @returns The compiled definition, or `invalid-definition` with each fault's place as a dot path.
 */
export function compileDefinition(definition: WorkflowDefinition): CompiledDefinition | Rejection {
  const errors: FieldError[] = [];
  const steps = collect(definition.steps, errors);
  if (steps.size > 0 && hasSoundNames(definition.steps, steps))
    checkFlow(definition.steps, steps, errors);
  if (errors.length === 0) checkData(steps, errors);
  checkFanOut(steps, errors);
  for (const step of steps.values())
    if (step.type === 'sub_workflow' && step.workflowName === definition.name)
      errors.push({
        field: `${step.path}.workflow_name`,
        message: 'must not be this workflow itself',
      });
  checkErrors(steps, errors);
  const timeoutMs = Math.round(definition.timeout_minutes * 60_000);
  checkTime(steps, timeoutMs, errors);
  const first = definition.steps[0]?.name ?? END;
  // Only a flow without loops has ways that end.
  if (errors.length === 0) checkShortestWay(first, steps, timeoutMs, errors);
  const savepoints = savepointsOf(steps, errors);
  checkCompensation(definition, steps, errors);

  const { limit_key } = definition;
  const limitKey =
    limit_key === undefined
      ? undefined
      : compileMapping({ key: limit_key }, 'scope', 'limit_key', errors).fields[0]?.source;

  const [fault] = errors;
  if (fault)
    return new Rejection(
      'invalid-definition',
      `${fault.field} ${fault.message}`,
      'invalid',
      errors.slice(0, ERRORS_MAX),
    );
  return {
    name: definition.name,
    version: definition.version,
    strategy: definition.compensation_strategy,
    timeoutMs,
    customSteps: definition.compensation_steps ?? [],
    savepoints,
    isCatching: isCatching(steps),
    priority: definition.priority ?? 'normal',
    limitKey,
    first,
    steps,
  };
}

/** Whether each name stands for one step, so that ways between steps can be followed. */
function hasSoundNames(
  sequence: readonly Step[],
  steps: ReadonlyMap<string, CompiledStep>,
): boolean {
  const count = (inner: readonly Step[]): number =>
    inner.reduce(
      (sum, step) => innerSequences(step).reduce((all, { steps }) => all + count(steps), sum + 1),
      0,
    );
  return count(sequence) === steps.size && !steps.has(END);
}

/** The parallel or map step that a sequence stands in. */
interface Around {
  readonly name: string;
  readonly branch: string | undefined;
  readonly group: string;
}

/** All steps by name, in reading order: a parallel or map step before the steps in it. */
function collect(
  sequence: readonly Step[],
  errors: FieldError[],
): ReadonlyMap<string, CompiledStep> {
  const steps = new Map<string, CompiledStep>();
  let place = 0;

  const visit = (
    inner: readonly Step[],
    path: string,
    around: Around | undefined,
    depth: number,
  ): readonly string[] => {
    const names: string[] = [];
    inner.forEach((step, index) => {
      const at = `${path}.${index}`;
      if (++place > STEPS_MAX) return;
      checkName(step, index, at, steps, errors);
      const position = {
        name: step.name,
        place,
        path: at,
        parent: around?.name,
        branch: around?.branch,
        group: around?.group ?? step.name,
        following: inner[index + 1]?.name ?? END,
      };
      const nested = new Set<string>();
      steps.set(step.name, compileStep(step, position, nested, errors));
      names.push(step.name);
      const sequences = innerSequences(step);
      if (sequences.length === 0) return;
      if (depth === PARALLEL_DEPTH_MAX) {
        errors.push({ field: at, message: `is nested deeper than ${PARALLEL_DEPTH_MAX}` });
        return;
      }
      if (step.type === 'parallel') checkBranchNames(step.branches, at, errors);
      for (const { steps, path: below, branch } of sequences)
        for (const name of visit(steps, `${at}.${below}`, { ...position, branch }, depth + 1))
          nested.add(name);
      names.push(...nested);
    });
    return names;
  };
  visit(sequence, 'steps', undefined, 0);
  if (place > STEPS_MAX)
    errors.push({
      field: 'steps',
      message: `has ${place} steps, at most ${STEPS_MAX} are allowed`,
    });
  return steps;
}

function checkName(
  step: Step,
  index: number,
  at: string,
  known: ReadonlyMap<string, CompiledStep>,
  errors: FieldError[],
): void {
  const earlier = known.get(step.name);
  if (earlier) errors.push({ field: `${at}.name`, message: `is the name of ${earlier.path} too` });
  if (step.name === END) errors.push({ field: `${at}.name`, message: 'must not be end' });
  if (step.order !== undefined && step.order !== index + 1)
    errors.push({ field: `${at}.order`, message: `must be ${index + 1}, its place in the array` });
}

function checkBranchNames(
  branches: readonly { readonly name: string }[],
  at: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  branches.forEach(({ name }, number) => {
    if (seen.has(name))
      errors.push({
        field: `${at}.branches.${number}.name`,
        message: 'is the name of another branch',
      });
    seen.add(name);
  });
}
