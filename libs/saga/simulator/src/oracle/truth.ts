import type {
  CallResult,
  CompiledDefinition,
  Purpose,
  RunEvent,
  RunState,
} from '@downbeat/saga-domain';
import type { Books, Deed } from '../world/books';

interface Case {
  readonly correlationId: string;
  readonly definition: CompiledDefinition;
  readonly events: readonly RunEvent[];
  readonly state: RunState;
  readonly books: Books;
}

/** Where what the log says and what the services did are not the same. */
export function truthOf(one: Case): readonly string[] {
  return [...deedsOnce(one), ...answersGiven(one), ...undosInOrder(one), ...endIsTrue(one)];
}

/** One effect per step and one per undo, whatever keys were sent. */
function deedsOnce({ correlationId, books }: Case): readonly string[] {
  const wrongs: string[] = [];
  for (const [place, deeds] of books.deeds)
    if (deeds[0]?.correlationId === correlationId && deeds.length > 1)
      wrongs.push(`${place} was done ${deeds.length} times`);
  return wrongs;
}

/** Every answer in the log was given, to that very call. */
function answersGiven({ correlationId, events, books }: Case): readonly string[] {
  const wrongs: string[] = [];
  for (const event of events) {
    const recorded = recordedAnswer(event);
    if (!recorded) continue;
    const { purpose, step, attempt, fits } = recorded;
    const told = books.toldOf(correlationId, step, purpose);
    if (!told.some((one) => one.attempt === attempt && fits(one.result)))
      wrongs.push(`${event.type} of ${purpose} ${step} ${attempt} records what nobody answered`);
  }
  return wrongs;
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
    return { purpose, step, attempt, fits: isOutput(output) };
  }
  if (type === 'StepFailed') {
    const { outcome, step, attempts: attempt, output } = event.data;
    if (outcome !== 'unusable') return undefined;
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

/** The services undid in the order of the plans, each after what it undoes. */
function undosInOrder({ correlationId, events, books }: Case): readonly string[] {
  const wrongs: string[] = [];
  const recorded = events.flatMap(({ type, data }) =>
    type === 'StepCompensated' ? [data.step] : [],
  );
  const done = [...books.deeds.values()]
    .flat()
    .filter((deed) => deed.correlationId === correlationId && deed.purpose === 'undo')
    .toSorted((one, other) => one.order - other.order)
    .map(({ step }) => step);
  const inOrder = done.filter((step) => recorded.includes(step));
  if (inOrder.join() !== recorded.join())
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
function endIsTrue({ correlationId, definition, events, state, books }: Case): readonly string[] {
  if (!('steps' in state)) return [];
  const wrongs: string[] = [];
  const isDone = (step: string, purpose: Purpose): Deed | undefined =>
    books.deedsOf(correlationId, step, purpose)[0];
  for (const { type, data } of events) {
    if (type === 'StepCompleted' && !isDone(data.step, 'step'))
      wrongs.push(`${data.step} is said to be done, and is not`);
    if (type === 'StepCompensated' && !isDone(data.step, 'undo'))
      wrongs.push(`${data.step} is said to be undone, and is not`);
  }
  const known = new Set(state.effects.map(({ step }) => step));
  for (const [name, step] of definition.steps) {
    if (step.type !== 'service_call' || !isDone(name, 'step') || isDone(name, 'undo')) continue;
    if (!known.has(name)) wrongs.push(`${name} was done, and the run does not know that it stands`);
  }
  const strategy = state.halt?.strategy ?? state.started.compensation_strategy;
  if (state.status === 'failed' && strategy === 'all')
    for (const [name, step] of definition.steps)
      if (step.type === 'service_call' && step.undo && known.has(name))
        wrongs.push(`the run has failed, and ${name} stands`);
  return wrongs;
}
