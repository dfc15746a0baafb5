import { canonicalJson } from '../definition/canonical-json';
import type { Target } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import type { Draft } from './draft';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import { keepsInputs } from './rules-version';
import type { Spot } from './spot';
import type { StepOutcome } from './events';
import { hasEffect, type Calls } from './state';

type Failed = Pick<Calls, 'input' | 'attempt' | 'isAnew'> & { readonly outcome: StepOutcome };

/**
 * One more call of a step that failed. If all its calls failed for sure its input is formed anew, since
 * the context may have been edited: then it is another request, under another key. Else only the very
 * same request may be made again; and another run goes on with the input it has.
 *
 * @returns Where to go on at once, when no input can be formed and that is caught.
 */
export function callAgain(
  draft: Draft,
  spot: Spot,
  { outcome, input, attempt, isAnew = false }: Failed,
): Target | undefined {
  const { step, address } = spot;
  const mayBeEdited =
    outcome === 'failed' && !(keepsInputs(draft.run.started) && hasEffect(draft.run, address));
  const formed =
    mayBeEdited && step.type === 'service_call'
      ? applyMapping(step.call.input, { context: draft.contextAt(spot) })
      : { ok: true as const, value: input };
  if (!formed.ok) return neverCalled(draft, spot, `input_mapping: ${formed.message}`);
  const isEdited = mayBeEdited && (isAnew || canonicalJson(formed.value) !== canonicalJson(input));
  const refusal = isEdited ? whyTooLarge(draft, { input_mapping: formed.value }) : undefined;
  if (refusal !== undefined) return neverCalled(draft, spot, refusal);
  draft.record({
    type: 'StepRetried',
    data: {
      step: address,
      attempt: attempt + 1,
      ...(isEdited ? { input: formed.value } : {}),
      at: draft.at,
    },
  });
  return undefined;
}
