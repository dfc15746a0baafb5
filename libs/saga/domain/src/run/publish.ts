import type { CompiledPublish, Target } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import type { Draft } from './draft';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import type { Spot } from './spot';

/** As JSON text; a message of the bus takes little more. */
export const PUBLISHED_LENGTH_MAX = 65_536;

/** It is published by being recorded, and the run goes on. */
export function enterPublish(
  draft: Draft,
  spot: Spot,
  { place, event, payload: mapping, next }: CompiledPublish,
): Target | undefined {
  const payload = applyMapping(mapping, { context: draft.contextAt(spot) });
  if (!payload.ok) return neverCalled(draft, spot, `payload: ${payload.message}`);
  const { length } = JSON.stringify(payload.value);
  if (length > PUBLISHED_LENGTH_MAX)
    return neverCalled(
      draft,
      spot,
      `payload: has ${length} characters, at most ${PUBLISHED_LENGTH_MAX} are allowed`,
    );
  const tooLarge = whyTooLarge(draft, { payload: payload.value });
  if (tooLarge !== undefined) return neverCalled(draft, spot, tooLarge);
  draft.record({
    type: 'EventPublished',
    data: {
      step: spot.address,
      place,
      workflow_name: draft.definition.name,
      event,
      payload: payload.value,
      at: draft.at,
    },
  });
  return next;
}
