import { Rejection } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import type { CompensateWorkflow } from './commands';
import type { Draft } from './draft';
import type { CompensationStrategy } from './events';
import { endPause } from './pause';
import { isSavepointPassed, isUndoable, planOf, standingSteps } from './plan';
import { conclude, settle } from './settle';

/** An operator asks to undo: of a running run after its calls under way, of an ended one at once. */
export function compensateRun(draft: Draft, command: CompensateWorkflow): Rejection | undefined {
  const { definition, run } = draft;
  const { data, for_parent } = command;
  const strategy = strategyOf(definition, data);
  const refused =
    checkCustomSteps(definition, strategy, data) ?? checkSavepoint(draft, strategy, data);
  if (refused) return refused;
  const { reason, custom_steps, to_savepoint } = data;
  const asked = { customSteps: custom_steps, savepoint: to_savepoint };
  const requested = {
    type: 'CompensationRequested' as const,
    data: {
      reason,
      strategy,
      ...(custom_steps ? { custom_steps } : {}),
      ...(to_savepoint === undefined ? {} : { to_savepoint }),
      ...(for_parent ? { for_parent } : {}),
      at: draft.at,
    },
  };
  switch (run.status) {
    case 'running':
      if (run.halt?.isRequested) return alreadyCompensating;
      draft.record(requested);
      endPause(draft);
      settle(draft);
      return undefined;
    case 'compensating':
      return alreadyCompensating;
    case 'completed':
    case 'failed':
    case 'compensated':
      if (planOf(definition, run, strategy, asked).length === 0)
        return run.status === 'compensated' && standingSteps(definition, run).length === 0
          ? new Rejection('already-compensated', 'everything that can be undone was undone')
          : new Rejection('nothing-to-compensate', 'no effect that can be undone is named');
      draft.record(requested);
      conclude(draft);
      return undefined;
  }
}

const alreadyCompensating = new Rejection(
  'already-compensating',
  'the run is being undone already',
);

type Request = CompensateWorkflow['data'];

/** As asked for, else as defined; asking to undo what the definition would leave means all of it. */
function strategyOf(definition: CompiledDefinition, data: Request): CompensationStrategy {
  if (data.compensation_strategy) return data.compensation_strategy;
  if (data.to_savepoint !== undefined) return 'partial';
  return definition.strategy === 'none' ? 'all' : definition.strategy;
}

function checkSavepoint(
  { definition, run }: Draft,
  strategy: CompensationStrategy,
  { to_savepoint: savepoint }: Request,
): Rejection | undefined {
  if (savepoint === undefined) return undefined;
  if (strategy !== 'partial') return invalid('to_savepoint', 'belongs to the strategy partial');
  const step = definition.savepoints.get(savepoint);
  if (step === undefined) return invalid('to_savepoint', 'is not a savepoint of the workflow');
  return isSavepointPassed(definition, run, step)
    ? undefined
    : new Rejection('savepoint-not-passed', `the run has not passed the savepoint ${savepoint}`);
}

function checkCustomSteps(
  definition: CompiledDefinition,
  strategy: CompensationStrategy,
  { custom_steps: names }: Request,
): Rejection | undefined {
  const isNamed = names !== undefined && names.length > 0;
  const isNeeded = strategy === 'custom' && definition.customSteps.length === 0;
  if (strategy === 'custom' ? isNeeded && !isNamed : isNamed)
    return invalid('custom_steps', 'belongs to the strategy custom, and is needed there');
  const unknown = names?.findIndex((name) => !definition.steps.has(name)) ?? -1;
  if (unknown >= 0) return invalid(`custom_steps.${unknown}`, 'is not a step of the workflow');
  const fixed = names?.findIndex((name) => !isUndoable(definition, name)) ?? -1;
  if (fixed >= 0) return invalid(`custom_steps.${fixed}`, 'has no compensation_action');
  return undefined;
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
