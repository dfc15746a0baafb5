import { Rejection, type Json } from '@downbeat/eventsourcing';
import type { CompiledDefinition, CompiledSignalWait } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { goOn } from './advance';
import type { SignalWorkflow } from './commands';
import type { Draft } from './draft';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import { isBounded } from './rules-version';
import { takeKept } from './signal-wait';
import type { Spot } from './spot';
import { addressee, awaiting, type Run } from './state';

export const SIGNALS_KEPT_MAX = 100;
/** Of all kept payloads together, as JSON text, under rules that do not bound what a run holds. */
export const SIGNALS_LENGTH_MAX = 262_144;

/**
 * A signal is taken by the step that has waited for it longest, or kept until one does; during a
 * pause it is kept in any case.
 */
export function receiveSignal(draft: Draft, { data }: SignalWorkflow): Rejection | undefined {
  const { signal, payload } = data;
  const refused = whyNot(draft, signal);
  if (refused) return refused;
  const spot = waitingFor(draft, addressee(draft.run, signal));
  const unusable = spot && whyUnusable(draft, spot, payload);
  if (unusable) return unusable;
  const isTaken = spot && !draft.run.pause;
  const tooLarge = whyNotTaken(draft, payload);
  if (tooLarge) return tooLarge;
  if (!isTaken && !hasRoom(draft.run, payload)) return tooMany(draft.run);
  draft.record({ type: 'SignalReceived', data: { signal, payload, at: draft.at } });
  if (!isTaken) return undefined;
  takeKept(draft, spot, spot.step);
  goOn(draft, spot);
  return undefined;
}

/** What came in a pause for a step that will not take it any more is for the next one that waits. */
export function takeAllKept(draft: Draft): void {
  for (;;) {
    if (draft.run.status !== 'running' || draft.isHalted) return;
    const { run } = draft;
    const addresses = run.signals.flatMap(({ signal }) => awaiting(run, signal).slice(0, 1));
    const spot = waitingFor(draft, addresses[0]);
    if (!spot) return;
    takeKept(draft, spot, spot.step);
    goOn(draft, spot);
  }
}

function whyUnusable(
  draft: Draft,
  spot: Spot<CompiledSignalWait>,
  output: Json,
): Rejection | undefined {
  const changes = applyMapping(spot.step.output, { context: draft.contextAt(spot), output });
  const message = changes.ok ? whyTooLarge(draft, { it: changes.value }) : changes.message;
  if (message === undefined) return undefined;
  return new Rejection(
    'signal-unusable',
    `${spot.address} cannot take this payload: ${message}`,
    'invalid',
    [{ field: 'payload', message }],
  );
}

/** The time of a waiting step has passed. */
export function missSignal(draft: Draft, spot: Spot): void {
  const { step, address } = spot;
  if (step.type !== 'wait_for_signal') return;
  const { fallback, signal, timeoutMs = 0 } = step;
  const changes = applyMapping(step.output, {
    context: draft.contextAt(spot),
    ...(fallback === undefined ? {} : { output: fallback }),
  });
  const refusal = changes.ok
    ? whyTooLarge(draft, {
        'the default': fallback ?? null,
        'what output_mapping makes of it': changes.value,
      })
    : `output_mapping: ${changes.message}`;
  const isTaken = fallback !== undefined && refusal === undefined;
  draft.record({
    type: 'SignalMissed',
    data: {
      step: address,
      ...(isTaken ? { default: fallback } : {}),
      context: isTaken && changes.ok ? changes.value : {},
      ...draft.scopeAt(spot),
      at: draft.at,
    },
  });
  if (fallback === undefined)
    neverCalled(draft, spot, `no signal ${signal} within ${timeoutMs / 1_000} s`);
  else if (refusal !== undefined) neverCalled(draft, spot, refusal);
  goOn(draft, spot);
}

function whyNot({ definition, run }: Draft, signal: string): Rejection | undefined {
  if (!isKnown(definition, signal))
    return new Rejection(
      'signal-unknown',
      `no step of ${definition.name} ${definition.version} waits for ${signal}`,
      'not-found',
      [{ field: 'signal', message: 'is not what any step waits for' }],
    );
  switch (run.status) {
    case 'completed':
    case 'failed':
    case 'compensated':
      return new Rejection('workflow-ended', `the run has ended: it is ${run.status}`);
    case 'compensating':
      return new Rejection('workflow-ending', 'the run is being undone and takes no signals');
    case 'running':
      if (run.halt)
        return new Rejection('workflow-ending', 'the run is ending and takes no signals');
      return undefined;
  }
}

const tooMany = ({ signals }: Run): Rejection =>
  new Rejection(
    'too-many-signals',
    `the run keeps ${signals.length} signals that no step has waited for yet, and no more`,
  );

const isKnown = (definition: CompiledDefinition, signal: string): boolean =>
  [...definition.steps.values()].some(
    (step) => step.type === 'wait_for_signal' && step.signal === signal,
  );

/** It is recorded when it comes, when it is taken, and as what was made of it. */
function whyNotTaken(draft: Draft, payload: Json): Rejection | undefined {
  const message = whyTooLarge(draft, { payload, 'payload, taken,': payload });
  return message === undefined
    ? undefined
    : new Rejection('run-too-large', message, 'conflict', [{ field: 'payload', message }]);
}

function hasRoom({ started, signals }: Run, payload: Json): boolean {
  if (signals.length >= SIGNALS_KEPT_MAX) return false;
  if (isBounded(started)) return true;
  const lengths = signals.map((kept) => JSON.stringify(kept.payload).length);
  const length = lengths.reduce((sum, one) => sum + one, JSON.stringify(payload).length);
  return length <= SIGNALS_LENGTH_MAX;
}

function waitingFor(
  draft: Draft,
  address: string | undefined,
): Spot<CompiledSignalWait> | undefined {
  const spot = address === undefined ? undefined : draft.spotOf(address);
  return spot?.step.type === 'wait_for_signal' ? { ...spot, step: spot.step } : undefined;
}
