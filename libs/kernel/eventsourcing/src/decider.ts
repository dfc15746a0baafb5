import type { Message } from './message';
import type { Rejection } from './rejection';

/** What a command leads to: events to append (none if it changes nothing), or a refusal. */
export type Decision<Event extends Message> = readonly Event[] | Rejection;

/**
 * The whole behaviour of one aggregate: three pure parts, no I/O, no clock, no randomness.
 * Anything the outside world knows (ids, time, prices) arrives inside the command.
 *
 * @see Jérémie Chassaing, "Functional Event Sourcing Decider".
 */
export interface Decider<State, Command extends Message, Event extends Message> {
  readonly initialState: State;
  readonly decide: (command: Command, state: State) => Decision<Event>;
  readonly evolve: (state: State, event: Event) => State;
}

/** The state after `events`, from the initial state or from `state`. */
export function fold<State, Event extends Message>(
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  events: Iterable<Event>,
  state: State = decider.initialState,
): State {
  for (const event of events) state = decider.evolve(state, event);
  return state;
}
