import {
  execute,
  executeTogether,
  type EventStore,
  type Intent,
  type Snapshot,
} from '@downbeat/event-store';
import {
  Rejection,
  type Command,
  type Decider,
  type Decision,
  type JsonObject,
  type Message,
  type Position,
  type StreamName,
} from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import { tracedDecider } from '../runtime/traced-steps';
import { refused } from './command-entrance';
import type { Cause } from './context-command';

/** Load, decide, append, and say what became of it. `answer` is what the contract of the command answers. */
export async function carryOut<State, C extends Command, Event extends Message>(
  store: EventStore,
  decider: Decider<State, C, Event>,
  stream: StreamName,
  command: C,
  cause: Cause,
  answer: (state: State) => JsonObject,
  from?: Snapshot<State>,
): Promise<CommandOutcome> {
  const result = await execute(
    store,
    tracedDecider(decider, cause.meta.traceparent),
    stream,
    command,
    { ...cause, answer, from },
  );
  if (result instanceof Rejection) return refused(result);
  return accepted(result.position, result.answer ?? {}, result.repeated);
}

/**
 * The same for a command to several streams: what is accepted of it is appended by one transaction,
 * together with its answer.
 *
 * @param stream Holds no events: the answer is remembered with it.
 * @param answer From the decisions, in the order of the intents; a rejection when nothing shall be done.
 */
export async function carryOutTogether(
  store: EventStore,
  stream: StreamName,
  intents: readonly Intent[],
  { meta, commandId, payloadHash }: Cause,
  answer: (decisions: readonly Decision<Message>[]) => JsonObject | Rejection,
): Promise<CommandOutcome> {
  let said: JsonObject = {};
  const result = await executeTogether(store, intents, (decisions) => {
    const answered = answer(decisions);
    if (answered instanceof Rejection) return answered;
    said = answered;
    const hash = payloadHash === undefined ? {} : { payloadHash };
    const command = commandId !== undefined && { id: commandId, answer: answered, ...hash };
    return { stream, meta, ...(command && { command }) };
  });
  if (!(result instanceof Rejection))
    return accepted(result.position, result.answer ?? said, result.repeated);
  // What it led to itself may stand against it now.
  const earlier = commandId === undefined ? undefined : await store.answerOf(commandId);
  if (earlier) return accepted(earlier.position, earlier.answer ?? {}, true);
  return refused(result);
}

export const accepted = (
  position: Position,
  answer: JsonObject,
  repeated = false,
): CommandOutcome => ({ accepted: true, position, answer, repeated });
