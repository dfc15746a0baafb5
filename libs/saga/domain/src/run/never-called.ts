import { isRequest, type Target } from '../definition/compiled';
import { caughtBy } from './caught';
import type { Draft } from './draft';
import type { Spot } from './spot';

/**
 * A step that could not be begun, or waited in vain, failed for sure.
 *
 * @returns Where to go on all the same, when it is caught or optional.
 */
export function neverCalled(draft: Draft, spot: Spot, message: string): Target | undefined {
  const { step, address } = spot;
  const optional = isRequest(step) && step.isOptional;
  const before = draft.run.steps.get(address);
  const attempts = before && 'attempt' in before ? before.attempt : 0;
  const ending = { outcome: 'failed', message, attempts } as const;
  const { caught } = isRequest(step) ? caughtBy(step, ending) : {};
  draft.record({
    type: 'StepFailed',
    data: {
      step: address,
      place: step.place,
      outcome: 'failed',
      optional,
      message,
      attempts,
      ...(caught ? { caught, ...draft.scopeAt(spot) } : {}),
      ...draft.withinAt(spot),
      at: draft.at,
    },
  });
  return caught?.goto ?? (optional ? step.next : undefined);
}
