import { Rejection } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import type { CompensateWorkflow } from './commands';
import type { Draft } from './draft';
import type { CompensationStrategy } from './events';
import { isUndoable, planOf, standingSteps } from './plan';
import { conclude, settle } from './settle';

/** An operator asks to undo: of a running run after its calls under way, of an ended one at once. */
export function compensateRun(draft: Draft, { data }: CompensateWorkflow): Rejection | undefined {
  const { definition, run } = draft;
  const refused = checkCustomSteps(definition, data);
  if (refused) return refused;
  const strategy = strategyOf(definition, data);
  const { reason, custom_steps } = data;
  const requested = {
    type: 'CompensationRequested' as const,
    data: { reason, strategy, ...(custom_steps ? { custom_steps } : {}), at: draft.at },
  };
  switch (run.status) {
    case 'running':
      if (run.halt?.isRequested) return alreadyCompensating;
      draft.record(requested);
      settle(draft);
      return undefined;
    case 'compensating':
      return alreadyCompensating;
    case 'completed':
    case 'failed':
    case 'compensated':
      if (planOf(definition, run, strategy, custom_steps).length === 0)
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
  return definition.strategy === 'none' ? 'all' : definition.strategy;
}

function checkCustomSteps(definition: CompiledDefinition, data: Request): Rejection | undefined {
  const { compensation_strategy: strategy, custom_steps: names } = data;
  if ((strategy === 'custom') !== (names !== undefined && names.length > 0))
    return invalid('custom_steps', 'belongs to the strategy custom, and is needed there');
  const unknown = names?.findIndex((name) => !definition.steps.has(name)) ?? -1;
  if (unknown >= 0) return invalid(`custom_steps.${unknown}`, 'is not a step of the workflow');
  const fixed = names?.findIndex((name) => !isUndoable(definition, name)) ?? -1;
  if (fixed >= 0) return invalid(`custom_steps.${fixed}`, 'has no compensation_action');
  return undefined;
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
