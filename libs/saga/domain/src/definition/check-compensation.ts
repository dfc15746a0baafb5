import type { WorkflowDefinition } from '@downbeat/contracts';
import type { FieldError } from '@downbeat/eventsourcing';
import { isRequest, type CompiledStep } from './compiled';

type Steps = ReadonlyMap<string, CompiledStep>;

/** What is said about undoing must be about something that can be undone. */
export function checkCompensation(
  definition: WorkflowDefinition,
  steps: Steps,
  errors: FieldError[],
): void {
  const { compensation_strategy: strategy, compensation_steps: names } = definition;
  if ((strategy === 'custom') !== (names !== undefined))
    errors.push({
      field: 'compensation_steps',
      message: 'belongs to the strategy custom, and is needed there',
    });
  names?.forEach((name, index) => {
    const field = `compensation_steps.${index}`;
    const step = steps.get(name);
    if (!step) errors.push({ field, message: `is ${name}, and there is no such step` });
    else if (!canBeUndone(step))
      errors.push({ field, message: `${name} has no compensation_action` });
  });
  for (const step of steps.values())
    if (step.type === 'service_call' && step.isUndoneWhenFailed && !step.undo)
      errors.push({
        field: `${step.path}.undo_failed_step`,
        message: 'needs a compensation_action',
      });
}

/** A savepoint is a place in the order of the run, and branches have none among each other. */
export function savepointsOf(steps: Steps, errors: FieldError[]): ReadonlyMap<string, string> {
  const savepoints = new Map<string, string>();
  for (const { name, savepoint, parent, path } of steps.values()) {
    if (savepoint === undefined) continue;
    const field = `${path}.savepoint`;
    const other = savepoints.get(savepoint);
    if (other !== undefined)
      errors.push({ field, message: `is the name of the savepoint of ${other} too` });
    else if (parent !== undefined)
      errors.push({ field, message: 'must stand in the outermost sequence' });
    else savepoints.set(savepoint, name);
  }
  return savepoints;
}

const canBeUndone = (step: CompiledStep): boolean => isRequest(step) && step.undo !== undefined;
