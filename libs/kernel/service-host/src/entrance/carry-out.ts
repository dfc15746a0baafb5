import { execute, type EventStore, type Snapshot } from '@downbeat/event-store';
import {
  Rejection,
  type Command,
  type Decider,
  type JsonObject,
  type Message,
  type Position,
  type StreamName,
} from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
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
  const result = await execute(store, decider, stream, command, { ...cause, answer, from });
  if (result instanceof Rejection) return refused(result);
  return accepted(result.position, result.answer ?? {}, result.repeated);
}

export const accepted = (
  position: Position,
  answer: JsonObject,
  repeated = false,
): CommandOutcome => ({ accepted: true, position, answer, repeated });
