import type { FieldError } from '@downbeat/eventsourcing';
import type { CompiledStep } from './compiled';

/**
 * How many steps a run may have, one for each item of a map counted. Each can lead to two events
 * without a wait, and one append takes 1,000.
 */
export const RUN_STEPS_MAX = 480;

type Steps = ReadonlyMap<string, CompiledStep>;

/** Maps do not multiply beyond what a run can hold, and a race is never cancelled itself. */
export function checkFanOut(steps: Steps, errors: FieldError[]): void {
  let total = 0;
  let isBlamed = false;
  for (const step of steps.values()) {
    const times = timesOf(step, steps);
    total += step.type === 'map' ? times * (1 + step.itemsMax) : times;
    if (total > RUN_STEPS_MAX && (times > 1 || step.type === 'map') && !isBlamed) {
      isBlamed = true;
      errors.push({
        field: `${(step.type === 'map' ? step : mapAround(step, steps))?.path ?? step.path}.max_items`,
        message: `allows more than ${RUN_STEPS_MAX} steps in one run, those for each item counted`,
      });
    }
    if (step.type === 'parallel' && step.join === 'race') checkRace(step, steps, errors);
  }
}

const parentOf = (step: CompiledStep, steps: Steps): CompiledStep | undefined =>
  step.parent === undefined ? undefined : steps.get(step.parent);

/** How often a step can occur in a run. */
function timesOf(step: CompiledStep, steps: Steps): number {
  const parent = parentOf(step, steps);
  if (!parent) return 1;
  return timesOf(parent, steps) * (parent.type === 'map' ? parent.itemsMax : 1);
}

function mapAround(step: CompiledStep, steps: Steps): CompiledStep | undefined {
  const parent = parentOf(step, steps);
  return !parent || parent.type === 'map' ? parent : mapAround(parent, steps);
}

/** Its losers are undone while it waits; a branch around it that is given up would have to wait for that. */
function checkRace(race: CompiledStep, steps: Steps, errors: FieldError[]): void {
  for (let around = parentOf(race, steps); around; around = parentOf(around, steps)) {
    if ((around.type !== 'parallel' && around.type !== 'map') || around.join === 'all') continue;
    errors.push({
      field: `${race.path}.join`,
      message: `must not be race inside ${around.name}, whose join is ${around.join}`,
    });
    return;
  }
}
