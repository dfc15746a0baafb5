import type { IncidentAction, RunEvent } from '@downbeat/saga-domain';
import { workflowIdOf } from '../engine/workflow-id';
import type { EngineBench } from './engine-bench';

const ENDS = new Set<RunEvent['type']>([
  'WorkflowCompleted',
  'WorkflowFailed',
  'WorkflowCompensated',
]);
const ASKED = new Set<RunEvent['type']>(['CompensationRequested', 'RunRetried']);

/** What is wrong with a run that should be over; nothing in a sound engine. */
export function faultsOf(bench: EngineBench, correlationId: string): readonly string[] {
  const events = bench.events(correlationId);
  const faults = [
    ...endsOf(events),
    ...familyOf(bench, correlationId, events),
    ...pausesOf(events),
    ...undosOf(events),
    ...signalsOf(events),
    ...leasesOf(bench, correlationId),
  ];
  if (JSON.stringify(undosCalled(bench, correlationId)) !== JSON.stringify(undosRecorded(events)))
    faults.push('undos were called in another order than they are recorded in');
  if (bench.holderOf(correlationId)) faults.push('somebody still holds it');
  return faults;
}

/** A run whose child is undone, or not, is as its step says; the child has told it all its ends. */
function familyOf(
  bench: EngineBench,
  correlationId: string,
  events: readonly RunEvent[],
): readonly string[] {
  const faults: string[] = [];
  const child = `${workflowIdOf(correlationId)}:sub`;
  const last = bench.ends(child).at(-1);
  const said = (type: RunEvent['type']) =>
    events.some(
      (event) => event.type === type && 'step' in event.data && event.data.step === 'sub',
    );
  const isUndoable = bench.types(child).includes('StepCompleted');
  if (said('StepCompensated') && last === 'WorkflowCompleted' && isUndoable)
    faults.push('its child is not undone');
  if (said('StepCompleted') && !said('StepCompensated') && last !== 'WorkflowCompleted')
    faults.push(`its child is ${last ?? 'not there'}`);
  const isChild = events[0]?.type === 'WorkflowStarted' && events[0].data.parent !== undefined;
  const told = events.findLast((event) => event.type === 'ParentTold')?.data;
  const ends = events.filter(({ type }) => ENDS.has(type)).length;
  // One that was undone before it could tell says the last end only.
  if (isChild && ends !== (told && 'ends' in told ? told.ends : 0))
    faults.push('an end was not told');
  return faults;
}

/** Nothing comes after an end, unless somebody asked for it. */
function endsOf(events: readonly RunEvent[]): readonly string[] {
  const faults: string[] = [];
  if (events.filter(({ type }) => type === 'EventPublished').length > 1)
    faults.push('it published twice');
  if (events.filter(({ type }) => type === 'WorkflowStarted').length !== 1)
    faults.push('it did not begin once');
  const own = events.filter(({ type }) => type !== 'ParentTold');
  own.forEach(({ type }, index) => {
    const next = own[index + 1];
    if (ENDS.has(type) && next && !ASKED.has(next.type))
      faults.push(`${next.type} follows its end`);
  });
  const last = own.at(-1)?.type;
  if (!last || !ENDS.has(last)) faults.push(`it stopped at ${last ?? 'nothing'}`);
  return faults;
}

const BEGINNINGS =
  /^((Step|Undo)(Started|Retried)|(Delay|Map|MapItem|Parallel)Started|Signal(Awaited|Taken)|RaceWon)$/;

/** Nothing begins while a run is paused. */
function pausesOf(events: readonly RunEvent[]): readonly string[] {
  let isPaused = false;
  return events.flatMap(({ type }) => {
    if (type === 'WorkflowPaused') isPaused = true;
    if (type === 'WorkflowResumed') isPaused = false;
    return isPaused && (BEGINNINGS.test(type) || ENDS.has(type)) ? [`${type} in a pause`] : [];
  });
}

/** What has, or may have, happened is undone newest first, each once. */
function undosOf(events: readonly RunEvent[]): readonly string[] {
  const faults: string[] = [];
  let effects: string[] = [];
  let plan: readonly string[] = [];
  for (const event of events) {
    const { type, data } = event;
    const hasEffect =
      type === 'StepCompleted' ||
      (type === 'StepFailed' && (data.outcome !== 'failed' || data.undo === true));
    if (hasEffect) effects.unshift(data.step);
    if (type === 'CompensationStarted' || type === 'RaceUndoStarted') {
      plan = data.steps;
      const undoable = effects.filter((step) => plan.includes(step));
      if (undoable.join() !== plan.join()) faults.push(`${plan.join()} undoes ${effects.join()}`);
    }
    if (type === 'StepCompensated') {
      if (plan[0] !== data.step) faults.push(`${data.step} was undone out of turn`);
      plan = plan.slice(1);
      effects = effects.filter((step) => step !== data.step);
    }
    if (type === 'IncidentResolved' && isByHand(data.action)) {
      if (plan[0] !== data.step) faults.push(`${data.step} was given up out of turn`);
      plan = plan.slice(1);
      if (data.action === 'done_by_hand') effects = effects.filter((step) => step !== data.step);
    }
    const isDone = type === 'WorkflowCompensated' || type === 'WorkflowCompleted';
    if (isDone && plan.length > 0) faults.push(`${plan.join()} was not undone`);
  }
  return faults;
}

/** What was sent, however often, is received once and taken once. */
function signalsOf(events: readonly RunEvent[]): readonly string[] {
  const sent = (type: RunEvent['type']) =>
    events.flatMap((event) =>
      event.type === type && 'payload' in event.data ? [JSON.stringify(event.data.payload)] : [],
    );
  const [received, taken] = [sent('SignalReceived'), sent('SignalTaken')];
  const faults: string[] = [];
  if (new Set(received).size < received.length) faults.push('a signal was received twice');
  if (new Set(taken).size < taken.length) faults.push('a signal was taken twice');
  if (taken.some((payload) => !received.includes(payload)))
    faults.push('a signal came from nowhere');
  return faults;
}

const isByHand = (action: IncidentAction): boolean =>
  action === 'skip' || action === 'done_by_hand';

/**
 * Those that succeeded, and those a person took off the engine's hands. A run that stands for a step
 * is undone by its own calls.
 */
function undosRecorded(events: readonly RunEvent[]): readonly string[] {
  const over = events.flatMap(({ type, data }) => {
    const isOver =
      type === 'StepCompensated' || (type === 'IncidentResolved' && isByHand(data.action));
    return isOver && data.step !== 'sub' ? [data.step] : [];
  });
  return [...new Set(over.toReversed())].toReversed();
}

function undosCalled(bench: EngineBench, correlationId: string): readonly string[] {
  const calls = bench.services.calls.filter(
    (made) => made.purpose === 'undo' && made.correlationId === correlationId,
  );
  // Of a race that was cut short the undo under way is called again in its turn.
  return [...new Set(calls.map(({ step }) => step).toReversed())].toReversed();
}

/** Whoever has appended in an epoch is the only one in it, and nobody comes back from an older one. */
function leasesOf(bench: EngineBench, correlationId: string): readonly string[] {
  const faults: string[] = [];
  let held: { owner: string; epoch: number } | undefined;
  for (const lease of bench.leasesUsed(correlationId)) {
    if (!lease) {
      if (held) faults.push('an append without a lease, while somebody held it');
      continue;
    }
    const { use, owner, epoch } = lease;
    if (use === 'acquire' && held) faults.push(`${owner} acquired what ${held.owner} held`);
    if (use !== 'acquire' && (!held || epoch < held.epoch))
      faults.push(`an append of epoch ${epoch}`);
    if (held?.epoch === epoch && held.owner !== owner) faults.push(`two owners in epoch ${epoch}`);
    held = use === 'release' ? undefined : { owner, epoch };
  }
  return faults;
}
