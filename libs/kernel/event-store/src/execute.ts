import {
  Rejection,
  fold,
  type Decider,
  type EventMeta,
  type JsonObject,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { StreamVersionConflict } from './errors';
import type { Append, Appended, EventStore, LeaseUse, Receipt } from './event-store';

const ATTEMPTS_MAX = 3;

/** A stream's state at one of its versions, from wherever it was kept; only what came after it is loaded. */
export interface Snapshot<State> {
  readonly state: State;
  readonly version: number;
  /** Of the event with that version. */
  readonly position: number;
}

/** What surrounds a command: who asked, and what must be written in the transaction of its events. */
export interface Execution<State> {
  readonly meta: EventMeta;
  /** Asked again with the same id, an accepted command gets its first answer and does nothing. */
  readonly commandId?: string;
  /** SHA-256 of what the command says, remembered with the answer. */
  readonly payloadHash?: string;
  /** The answer to whoever asked, from the state after the events; default `{}`. */
  readonly answer?: (state: State) => JsonObject;
  /** Written whatever the decision is: a refused command was handled too. */
  readonly receipt?: Receipt;
  readonly lease?: LeaseUse;
  /** Of a stream that is too long to be loaded each time; default: the whole stream is. */
  readonly from?: Snapshot<State> | undefined;
}

/**
 * Load, decide, append: the one impure loop around any decider. Decides again on fresh state if
 * another writer got in between, three times at most. A rejection is not remembered: the same
 * command may be accepted later.
 *
 * @returns The rejection, or where the events are. A decision without events appends nothing; its
 *          `position` is that of the stream's newest event unless something had to be remembered.
 * @throws {StreamVersionConflict} Three times another writer was first.
 * @throws What {@link EventStore.append} throws.
 */
export async function execute<State, Command extends Message, Event extends Message>(
  store: EventStore,
  decider: Decider<State, Command, Event>,
  stream: StreamName,
  command: Command,
  execution: Execution<State>,
): Promise<Rejection | Appended> {
  let { state, version, position } = execution.from ?? beginning(decider.initialState);
  for (let attempt = 1; ; attempt++) {
    const news = await store.load<Event>(stream, version);
    state = fold(decider, news as unknown as readonly Event[], state);
    version += news.length;
    position = news.at(-1)?.position ?? position;

    const decision = decider.decide(command, state);
    const refusal = decision instanceof Rejection ? decision : undefined;
    const earlier = refusal && (await earlierAnswer(store, execution.commandId));
    if (earlier) return earlier;

    const events = decision instanceof Rejection ? [] : decision;
    const answer = execution.answer?.(fold(decider, events, state)) ?? {};
    const append = appendOf(stream, version, events, execution, refusal ? undefined : answer);
    try {
      const appended = hasEffect(append)
        ? await store.append(append)
        : { version, position, repeated: false };
      return refusal ?? { answer, ...appended };
    } catch (fault) {
      if (!(fault instanceof StreamVersionConflict) || attempt === ATTEMPTS_MAX) throw fault;
    }
  }
}

const beginning = <State>(state: State): Snapshot<State> => ({ state, version: 0, position: 0 });

/** A command accepted before may look refused now, by the state that it led to itself. */
async function earlierAnswer(
  store: EventStore,
  commandId: string | undefined,
): Promise<Appended | undefined> {
  const remembered = commandId === undefined ? undefined : await store.answerOf(commandId);
  if (remembered === undefined) return undefined;
  const { payloadHash: _, ...appended } = remembered;
  return appended;
}

function appendOf<State, Event extends Message>(
  stream: StreamName,
  expected: number,
  events: readonly Event[],
  { meta, commandId, payloadHash, receipt, lease }: Execution<State>,
  answer: JsonObject | undefined,
): Append {
  const isAccepted = answer !== undefined;
  return {
    stream,
    expected,
    events,
    meta,
    ...(isAccepted &&
      commandId !== undefined && {
        command: { id: commandId, answer, ...(payloadHash !== undefined && { payloadHash }) },
      }),
    ...(isAccepted && lease && { lease }),
    ...(receipt && { receipt }),
  };
}

const hasEffect = ({ events, command, lease, receipt }: Append): boolean =>
  events.length > 0 || command !== undefined || lease !== undefined || receipt !== undefined;
