import type {
  CallResult,
  CompiledDefinition,
  Purpose,
  RunEvent,
  RunState,
} from '@downbeat/saga-domain';
import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import { isTooMuch, type Books, type Deed } from '../world/books';
import type { History } from './history';
import { isUndoable, nameAt } from './places';

interface Case {
  readonly correlationId: string;
  readonly history: History;
  readonly state: RunState;
  readonly books: Books;
}

/** Where what the log says and what the services did are not the same. */
export function truthOf(one: Case): readonly string[] {
  return [
    ...deedsOnce(one),
    ...keysOnce(one),
    ...answersGiven(one),
    ...boundsKept(one),
    ...signalsSent(one),
    ...undosInOrder(one),
    ...endIsTrue(one),
  ];
}

const typeOf = ({ history: { last } }: Case, address: string) =>
  last.steps.get(nameAt(address))?.type;

/** One effect per step and one per undo, whatever keys were sent. */
function deedsOnce({ correlationId, books }: Case): readonly string[] {
  const wrongs: string[] = [];
  for (const [place, deeds] of books.deeds)
    if (deeds[0]?.correlationId === correlationId && deeds.length > 1)
      wrongs.push(`${place} was done ${deeds.length} times`);
  return wrongs;
}

/** A key stands for one request. */
const keysOnce = ({ correlationId, books }: Case): readonly string[] =>
  books.mixedUp.filter((one) => one.correlationId === correlationId).map(({ what }) => what);

/** Every answer in the log was given, to that very call. */
function answersGiven(one: Case): readonly string[] {
  const { correlationId, history, books } = one;
  const { events } = history;
  const wrongs: string[] = [];
  for (const event of events) {
    const recorded = recordedAnswer(event);
    if (!recorded) continue;
    const { purpose, step, attempt, fits } = recorded;
    // What another run answered is its family's to say.
    if (typeOf(one, step) === 'sub_workflow') continue;
    const told = books.toldOf(correlationId, step, purpose);
    if (!told.some((one) => one.attempt === attempt && fits(one.result)))
      wrongs.push(`${event.type} of ${purpose} ${step} ${attempt} records what nobody answered`);
  }
  return wrongs;
}

/** What is too large is not kept, and nobody asks for it again; the step says so under its name. */
function boundsKept({ correlationId, history: { events }, books }: Case): readonly string[] {
  if (!books.toldTooMuch.has(correlationId)) return [];
  return events.flatMap((event) => {
    const { type, data } = event;
    const bytes = JSON.stringify(data).length;
    if (bytes > PAYLOAD_BYTES_MAX) return [`${type} has ${bytes} bytes`];
    if (type !== 'StepFailed' || !data.oversized) return [];
    const isSaid = data.message.startsWith('the answer') && data.output === undefined;
    return isSaid && data.outcome === 'unusable'
      ? []
      : [`${data.step} says of it: ${data.message}`];
  });
}

interface RecordedAnswer {
  readonly purpose: Purpose;
  readonly step: string;
  readonly attempt: number;
  readonly fits: (result: CallResult) => boolean;
}

function recordedAnswer(event: RunEvent): RecordedAnswer | undefined {
  const { type } = event;
  if (type === 'StepCompleted' || type === 'StepCompensated') {
    const { step, attempt, output } = event.data;
    const purpose = type === 'StepCompleted' ? 'step' : 'undo';
    // Nothing reads what an undo answered: of too much nothing is kept, and it is done.
    const isCut = type === 'StepCompensated' && output === null;
    const fits = (result: CallResult) => (isCut && isTooMuch(result)) || isOutput(output)(result);
    return { purpose, step, attempt, fits };
  }
  if (type === 'StepFailed') {
    const { outcome, step, attempts: attempt, output } = event.data;
    if (outcome !== 'unusable') return undefined;
    if (event.data.oversized) return { purpose: 'step', step, attempt, fits: isTooMuch };
    return { purpose: 'step', step, attempt, fits: isOutput(output) };
  }
  if (type !== 'StepAttemptFailed' && type !== 'UndoAttemptFailed') return undefined;
  const { step, attempt, kind, status, message } = event.data;
  const fits = (result: CallResult): boolean => {
    // An answer that cannot be stored counts as none.
    if (result.kind === 'ok') return kind === 'broken' && JSON.stringify(result).includes('note');
    if (result.kind !== kind || result.message !== message) return false;
    return result.kind !== 'answer' || result.status === status;
  };
  return { purpose: type === 'StepAttemptFailed' ? 'step' : 'undo', step, attempt, fits };
}

const isOutput =
  (output: unknown) =>
  (result: CallResult): boolean =>
    result.kind === 'ok' && JSON.stringify(result.output) === JSON.stringify(output);

/** What a run has received was sent to it, each once. */
function signalsSent({ correlationId, history: { events }, books }: Case): readonly string[] {
  const wrongs: string[] = [];
  const received = events.flatMap(({ type, data }) =>
    type === 'SignalReceived' ? [`${data.signal} ${JSON.stringify(data.payload)}`] : [],
  );
  const sent = new Set(books.signalsTo(correlationId));
  for (const signal of received)
    if (!sent.has(signal)) wrongs.push(`nobody sent the signal ${signal}`);
  if (new Set(received).size < received.length) wrongs.push('a signal was received twice');
  return wrongs;
}

/** The services undid in the order of the plans, each after what it undoes. */
function undosInOrder(one: Case): readonly string[] {
  const { correlationId, history, books } = one;
  const { events } = history;
  const wrongs: string[] = [];
  // An undo of a race may be given up, and come up again in another place of another plan.
  const begun = events.flatMap(({ type, data }) => (type === 'UndoStarted' ? [data.step] : []));
  const isBegunOnce = (step: string) => begun.indexOf(step) === begun.lastIndexOf(step);
  const recorded = events.flatMap(({ type, data }) =>
    type === 'StepCompensated' && typeOf(one, data.step) !== 'sub_workflow' ? [data.step] : [],
  );
  const done = [...books.deeds.values()]
    .flat()
    .filter((deed) => deed.correlationId === correlationId && deed.purpose === 'undo')
    .toSorted((one, other) => one.order - other.order)
    .map(({ step }) => step);
  const inOrder = done.filter((step) => recorded.includes(step) && isBegunOnce(step));
  if (inOrder.join() !== recorded.filter(isBegunOnce).join())
    wrongs.push(`undone was ${inOrder.join(', ')}, recorded ${recorded.join(', ')}`);
  for (const step of recorded) {
    const [undo] = books.deedsOf(correlationId, step, 'undo');
    const [deed] = books.deedsOf(correlationId, step, 'step');
    if (undo && deed && undo.order < deed.order)
      wrongs.push(`${step} was done after it was undone`);
  }
  return wrongs;
}

/** What the end of the run says stands, stands; and nothing else that could be undone. */
function endIsTrue(one: Case): readonly string[] {
  const { correlationId, history, state, books } = one;
  const { events } = history;
  if (!('steps' in state)) return [];
  const wrongs: string[] = [];
  const isDone = (step: string, purpose: Purpose): Deed | undefined =>
    books.deedsOf(correlationId, step, purpose)[0];
  for (const { type, data } of events) {
    if (type !== 'StepCompleted' && type !== 'StepCompensated') continue;
    if (typeOf(one, data.step) === 'sub_workflow') continue;
    const [purpose, word] =
      type === 'StepCompleted' ? (['step', 'done'] as const) : (['undo', 'undone'] as const);
    if (!isDone(data.step, purpose)) wrongs.push(`${data.step} is said to be ${word}, and is not`);
  }
  const known = state.effects.map(({ step }) => step);
  const byHand = events.flatMap(({ type, data }) =>
    type === 'IncidentResolved' && data.action === 'done_by_hand' ? [data.step] : [],
  );
  for (const step of books.stepsDoneFor(correlationId))
    if (!isDone(step, 'undo') && !known.includes(step) && !byHand.includes(step))
      wrongs.push(`${step} was done, and the run does not know that it stands`);
  const definition = whenFailed(history);
  const strategy = state.halt?.strategy ?? definition.strategy;
  if (state.status === 'failed' && strategy === 'all')
    for (const step of known)
      if (isUndoable(definition, step)) wrongs.push(`the run has failed, and ${step} stands`);
  return wrongs;
}

/** What it went by when it failed last: what it goes by since has undone nothing. */
function whenFailed({ events, first, behind }: History): CompiledDefinition {
  const end = events.findLastIndex(({ type }) => type === 'WorkflowFailed');
  return events.slice(0, end + 1).reduce((before, event) => behind(event, before), first);
}
