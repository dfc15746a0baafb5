import type { CallRecord } from '@downbeat/wedding';
import type { StoredEvent } from './bookings';

const ENDS = ['WorkflowCompleted', 'WorkflowFailed', 'WorkflowCompensated'];
/** A call and its record are stamped by two clocks of one machine, to the millisecond. */
const CLOCKS_MS = 2;

/**
 * What must hold of a run, by its own events and by what the participants wrote down. One sentence
 * per violation.
 *
 * @param calls All of the run's booking at least, whatever their keys: a wrong key is found here.
 */
export function judge(
  workflowId: string,
  events: readonly StoredEvent[],
  calls: readonly CallRecord[],
): readonly string[] {
  const bookingId = events.find(({ type }) => type === 'WorkflowStarted')?.data['correlation_id'];
  const ofRun = calls.filter(
    ({ key, booking_id }) => key.startsWith(`${workflowId}:`) || booking_id === bookingId,
  );
  return [
    ...endsOnce(workflowId, events),
    ...keysOfItsSteps(workflowId, events, ofRun),
    ...nothingCalledAgain(workflowId, events, ofRun),
    ...effectsOnce(ofRun),
    ...undoneInReverse(workflowId, events, ofRun),
  ];
}

function endsOnce(workflowId: string, events: readonly StoredEvent[]): string[] {
  const ends = events.filter(({ type }) => ENDS.includes(type));
  const isLast = ENDS.includes(events.at(-1)?.type ?? '');
  return ends.length === 1 && isLast
    ? []
    : [`${workflowId} ended ${ends.length} times, its last event is ${events.at(-1)?.type}`];
}

/**
 * A step is called as `<run>:<step>` and its undo as `<run>:<step>:undo`, at every attempt: each key
 * that was seen is of a call the run intended, no key was seen at two operations, and what counts as
 * done was seen under its key.
 */
function keysOfItsSteps(
  workflowId: string,
  events: readonly StoredEvent[],
  calls: readonly CallRecord[],
): string[] {
  const keysOf = (ofStep: string, ofUndo: string): ReadonlySet<string> =>
    new Set(
      events.flatMap(({ type, data }) => {
        const key = `${workflowId}:${String(data['step'])}`;
        if (type === ofStep) return [key];
        return type === ofUndo ? [`${key}:undo`] : [];
      }),
    );
  const intended = keysOf('StepStarted', 'UndoStarted');
  const done = keysOf('StepCompleted', 'StepCompensated');
  const operations = new Map<string, string>();
  const seen = calls.flatMap(({ key, service, operation, seq }) => {
    const called = `${service} ${operation}`;
    const where = `call ${seq} of ${called} has the key ${key}`;
    if (!intended.has(key)) return [`${where}, which is of no call that ${workflowId} intended`];
    const before = operations.get(key) ?? called;
    operations.set(key, before);
    return before === called ? [] : [`${where}, which ${before} has had`];
  });
  const keys = new Set(calls.map(({ key }) => key));
  const unseen = [...done].filter((key) => !keys.has(key));
  return [...seen, ...unseen.map((key) => `${key} is recorded as done, and nobody saw this key`)];
}

/** No call of a step (or its undo) arrives after the event that records it as done. */
function nothingCalledAgain(
  workflowId: string,
  events: readonly StoredEvent[],
  calls: readonly CallRecord[],
): string[] {
  return events.flatMap(({ type, data, recorded_at }) => {
    if (type !== 'StepCompleted' && type !== 'StepCompensated') return [];
    const step = String(data['step']);
    const key = `${workflowId}:${step}${type === 'StepCompensated' ? ':undo' : ''}`;
    const late = calls.filter(
      (call) => call.key === key && Date.parse(call.at) > Date.parse(recorded_at) + CLOCKS_MS,
    );
    return late.map(
      ({ at }) => `${key} was called at ${at}, and recorded as done at ${recorded_at}`,
    );
  });
}

function effectsOnce(calls: readonly CallRecord[]): string[] {
  const effects = calls.filter(({ outcome }) => outcome === 'applied').map(({ key }) => key);
  return effects
    .filter((key, index) => effects.indexOf(key) !== index)
    .map((key) => `${key} had its effect more than once`);
}

/** The order in which undos first arrived is the reverse of the order in which their steps ended. */
function undoneInReverse(
  workflowId: string,
  events: readonly StoredEvent[],
  calls: readonly CallRecord[],
): string[] {
  const ended = events.flatMap(({ type, data }) =>
    type === 'StepCompleted' || type === 'StepFailed' ? [String(data['step'])] : [],
  );
  const arrived = [...calls]
    .filter(({ key }) => key.endsWith(':undo'))
    .sort((a, b) => (BigInt(a.monotonic_ns) < BigInt(b.monotonic_ns) ? -1 : 1))
    .map(({ key }) => key.slice(workflowId.length + 1, -':undo'.length));
  const firstArrivals = [...new Set(arrived)];
  const expected = ended.filter((step) => firstArrivals.includes(step)).reverse();
  return firstArrivals.join() === expected.join()
    ? []
    : [`${workflowId} undid ${firstArrivals.join()} and should have undone ${expected.join()}`];
}
