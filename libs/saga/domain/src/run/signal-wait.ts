import { epochMs, instantOf } from '@downbeat/eventsourcing';
import type { CompiledSignalWait, Target } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import type { Draft } from './draft';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import { pairsSignals } from './rules-version';
import type { Spot } from './spot';
import { awaiting, type KeptSignal, type Run } from './state';

/** A signal that came early is taken at once. */
export function enterSignalWait(
  draft: Draft,
  spot: Spot,
  step: CompiledSignalWait,
): Target | undefined {
  const { place, signal, timeoutMs } = step;
  const { address } = spot;
  const until = timeoutMs === undefined ? {} : { until: instantOf(epochMs(draft.at) + timeoutMs) };
  draft.record({
    type: 'SignalAwaited',
    data: { step: address, place, signal, ...until, at: draft.at },
  });
  return takeKept(draft, spot, step);
}

/**
 * The oldest signal that was kept is for the step that has waited longest, the next one for the next; one
 * that it cannot use fails it.
 *
 * @returns Where to go on; nothing when it has to wait for one, or has failed.
 */
export function takeKept(draft: Draft, spot: Spot, step: CompiledSignalWait): Target | undefined {
  const { signal } = step;
  const kept = keptFor(draft.run, spot.address, signal);
  if (!kept) return undefined;
  const { payload } = kept;
  const changes = applyMapping(step.output, { context: draft.contextAt(spot), output: payload });
  const refusal = changes.ok ? whyTooLarge(draft, { it: changes.value }) : changes.message;
  draft.record({
    type: 'SignalTaken',
    data: {
      step: spot.address,
      signal,
      payload,
      context: changes.ok && refusal === undefined ? changes.value : {},
      ...draft.scopeAt(spot),
      at: draft.at,
    },
  });
  if (refusal === undefined) return step.next;
  return neverCalled(draft, spot, `output_mapping: ${refusal}`);
}

/** Of several that came in a pause each step has its own, whichever of them goes on first. */
function keptFor(run: Run, address: string, signal: string): KeptSignal | undefined {
  const rank = pairsSignals(run.started) ? awaiting(run, signal).indexOf(address) : 0;
  return run.signals.filter((one) => one.signal === signal)[rank];
}
