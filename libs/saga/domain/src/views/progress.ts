import { isStarted, isUnderWay, type RunState } from '../run/state';

export interface Progress {
  /** Place of the earliest step under way; after the end, of the last one reached. 0 before the start. */
  readonly current_step: number;
  readonly total_steps: number;
  /** 0 to 100; 100 only when the run has completed. */
  readonly progress_percentage: number;
}

/** A step as far as progress is concerned. */
export interface Standing {
  readonly place: number;
  readonly isUnderWay: boolean;
  /** A parallel step: under way as long as one of its branches is. */
  readonly isGroup: boolean;
}

export function progressOf(state: RunState): Progress {
  if (!isStarted(state)) return { current_step: 0, total_steps: 0, progress_percentage: 0 };
  const standings = [...state.steps.values()].map((step) => ({
    place: step.place,
    isUnderWay: isUnderWay(step) || step.status === 'branching',
    isGroup: step.status === 'branching',
  }));
  const total = state.migrated?.totalSteps ?? state.started.total_steps;
  return measure(standings, total, state.status === 'completed');
}

/** Steps that a decision jumped over count as passed: the share does not go back while steps go on. */
export function measure(
  standings: readonly Standing[],
  total_steps: number,
  isCompleted: boolean,
): Progress {
  if (isCompleted) return { current_step: total_steps, total_steps, progress_percentage: 100 };
  let current = Infinity;
  let last = 0;
  for (const { place, isUnderWay: isActive, isGroup } of standings) {
    if (isActive && !isGroup) current = Math.min(current, place);
    if (!isGroup) last = Math.max(last, place);
  }
  const current_step = current === Infinity ? last : current;
  // Steps inside a map share a place: it is passed when all of them are.
  const active = new Set(standings.filter((one) => one.isUnderWay).map(({ place }) => place));
  const later = new Set(
    standings.map(({ place }) => place).filter((place) => place > current_step),
  );
  const passedLater = [...later].filter((place) => !active.has(place)).length;
  const passed = Math.max(current_step - 1, 0) + passedLater;
  return {
    current_step,
    total_steps,
    progress_percentage: Math.floor((100 * passed) / total_steps),
  };
}
