import type { sagaContract } from '@downbeat/contracts';
import type { Recorded } from '@downbeat/eventsourcing';
import { nameOf, type CompiledDefinition } from '../definition/compiled';
import type { RunEvent } from '../run/events';
import type { Effected } from '../run/state';

export type Effect = sagaContract.StatementEffect;

/** An effect as the events tell it, before the definition says what it is worth. */
type Told = Omit<Effect, 'service_name' | 'workflow_name' | 'can_be_undone'>;

/**
 * Which effects of a run stand, which are undone and by whom, and of which nobody knows; in the
 * order in which they came about. What only read (GET without an undo) has none. Another run in the
 * place of a call is one effect here; its own statement says more.
 */
export function statementOf(
  events: Iterable<Recorded<RunEvent>>,
  definition: CompiledDefinition,
): readonly Effect[] {
  const told = new Map<string, Told>();
  for (const event of events) tell(told, event);
  return [...told.values()].flatMap((effect) => {
    const step = definition.steps.get(nameOf(effect.step_name));
    if (step?.type === 'sub_workflow')
      return [
        { ...effect, service_name: '', workflow_name: step.workflowName, can_be_undone: true },
      ];
    if (step?.type !== 'service_call' || (!step.undo && step.call.method === 'GET')) return [];
    const { service_name } = step.call;
    return [{ ...effect, service_name, can_be_undone: step.undo !== undefined }];
  });
}

function tell(told: Map<string, Told>, { type, data, meta: { actor } }: Recorded<RunEvent>): void {
  if (type === 'StepCompleted') begin(told, data, 'completed');
  if (type === 'StepFailed' && (data.outcome !== 'failed' || data.undo)) {
    const before = told.get(data.step);
    // A call that failed for sure takes nothing back of what one before it has done.
    const isLeft = data.outcome === 'failed' && before?.effect === 'stands';
    begin(told, data, isLeft ? before.outcome : data.outcome);
  }
  if (type === 'StepCompensated')
    change(told, data.step, () => ({
      effect: 'undone',
      since: data.at,
      undone_by: 'engine',
      actor,
    }));
  if (type !== 'IncidentResolved' || data.action === 'retry' || data.action === 'overtaken') return;
  const { action, at: since, reason } = data;
  const why = { since, actor, ...(reason === undefined ? {} : { reason }) };
  change(told, data.step, ({ effect }) =>
    action === 'skip'
      ? { effect, was_skipped: true, ...why }
      : { effect: 'undone', undone_by: 'hand', ...why },
  );
}

/** The newest word on a step is the one that counts, and its place in the order. */
function begin(
  told: Map<string, Told>,
  { step: step_name, at: since }: { step: string; at: Told['since'] },
  outcome: Effected['outcome'],
): void {
  told.delete(step_name);
  told.set(step_name, {
    step_name,
    outcome,
    effect: outcome === 'unknown' || outcome === 'failed' ? 'unknown' : 'stands',
    since,
  });
}

function change(
  told: Map<string, Told>,
  step_name: string,
  how: (before: Told) => Omit<Told, 'step_name' | 'outcome'>,
): void {
  const before = told.get(step_name);
  if (before) told.set(step_name, { step_name, outcome: before.outcome, ...how(before) });
}
