import type { RunEvent } from '@downbeat/saga-domain';
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
    ...pausesOf(events),
    ...undosOf(events),
    ...leasesOf(bench, correlationId),
  ];
  if (JSON.stringify(undosCalled(bench, correlationId)) !== JSON.stringify(undosRecorded(events)))
    faults.push('undos were called in another order than they are recorded in');
  if (bench.holderOf(correlationId)) faults.push('somebody still holds it');
  return faults;
}

/** Nothing comes after an end, unless somebody asked for it. */
function endsOf(events: readonly RunEvent[]): readonly string[] {
  const faults: string[] = [];
  if (events.filter(({ type }) => type === 'WorkflowStarted').length !== 1)
    faults.push('it did not begin once');
  events.forEach(({ type }, index) => {
    const next = events[index + 1];
    if (ENDS.has(type) && next && !ASKED.has(next.type))
      faults.push(`${next.type} follows its end`);
  });
  const last = events.at(-1)?.type;
  if (!last || !ENDS.has(last)) faults.push(`it stopped at ${last ?? 'nothing'}`);
  return faults;
}

const BEGINNINGS = /^(Step|Undo)(Started|Retried)$/;

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
    if (type === 'CompensationStarted') {
      plan = data.steps;
      const undoable = effects.filter((step) => plan.includes(step));
      if (undoable.join() !== plan.join()) faults.push(`${plan.join()} undoes ${effects.join()}`);
    }
    if (type === 'StepCompensated') {
      if (plan[0] !== data.step) faults.push(`${data.step} was undone out of turn`);
      plan = plan.slice(1);
      effects = effects.filter((step) => step !== data.step);
    }
    if (type === 'IncidentResolved' && data.action !== 'retry') {
      if (plan[0] !== data.step) faults.push(`${data.step} was given up out of turn`);
      plan = plan.slice(1);
      if (data.action === 'done_by_hand') effects = effects.filter((step) => step !== data.step);
    }
    if (type === 'WorkflowCompensated' && plan.length > 0)
      faults.push(`${plan.join()} was not undone`);
  }
  return faults;
}

/** Those that succeeded, and those a person took off the engine's hands. */
const undosRecorded = (events: readonly RunEvent[]): readonly string[] => [
  ...new Set(
    events.flatMap(({ type, data }) => {
      const isOver =
        type === 'StepCompensated' || (type === 'IncidentResolved' && data.action !== 'retry');
      return isOver ? [data.step] : [];
    }),
  ),
];

function undosCalled(bench: EngineBench, correlationId: string): readonly string[] {
  const calls = bench.services.calls.filter(
    (made) => made.purpose === 'undo' && made.correlationId === correlationId,
  );
  return [...new Set(calls.map(({ step }) => step))];
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
