import { isRequest, type Target } from '../definition/compiled';
import type { Draft } from './draft';
import type { Spot } from './spot';

/** A step that could not be begun, or waited in vain, failed for sure. */
export function neverCalled(draft: Draft, spot: Spot, message: string): Target | undefined {
  const { step, address } = spot;
  const optional = isRequest(step) && step.isOptional;
  const before = draft.run.steps.get(address);
  draft.record({
    type: 'StepFailed',
    data: {
      step: address,
      place: step.place,
      outcome: 'failed',
      optional,
      message,
      attempts: before && 'attempt' in before ? before.attempt : 0,
      ...draft.withinAt(spot),
      at: draft.at,
    },
  });
  return optional ? step.next : undefined;
}
