import { nameOf } from '../definition/compiled';
import type { WorkflowMigrated } from './events';
import type { Calls, Run, StepState } from './state';

/**
 * From here on the run goes by another definition. Retries are counted anew, since they are granted by
 * another policy now; the call under way, or the last one, is the first.
 */
export function migrated(run: Run, data: WorkflowMigrated['data']): Run {
  const {
    to_version,
    checksum,
    compensation_strategy,
    total_steps,
    places = {},
    anew,
    undo_anew,
  } = data;
  const steps = new Map<string, StepState>();
  for (const [address, state] of run.steps) {
    const place = places[nameOf(address)] ?? state.place;
    const isAnew = anew?.includes(address) ? { isAnew: true } : {};
    const isCalled = state.status === 'calling' || state.status === 'waiting';
    const budget = isCalled ? budgetAnew(state) : {};
    steps.set(address, { ...state, place, ...budget, ...isAnew } as StepState);
  }
  const undo = run.compensation?.undo;
  const isOpen = undo?.status === 'calling' || undo?.status === 'waiting';
  return {
    ...run,
    migrated: {
      version: to_version,
      checksum,
      strategy: compensation_strategy,
      totalSteps: total_steps,
    },
    steps,
    effects: undo_anew
      ? run.effects.map((effect) =>
          undo_anew.includes(effect.step) ? { ...effect, isUndoAnew: true } : effect,
        )
      : run.effects,
    compensation:
      run.compensation && isOpen
        ? { ...run.compensation, undo: { ...undo, ...budgetAnew(undo) } }
        : run.compensation,
  };
}

const budgetAnew = ({ attempt }: Calls): Pick<Calls, 'spent' | 'byRule'> => ({
  spent: attempt - 1,
  byRule: {},
});
