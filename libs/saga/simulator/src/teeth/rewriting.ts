import { Rejection } from '@downbeat/eventsourcing';
import {
  evolveRun,
  type CallAnswered,
  type CompiledDefinition,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
  type Transition,
} from '@downbeat/saga-domain';
import { nameAt } from '../oracle/places';

type Transit = RunDecider['transition'];
type Decides = (decider: RunDecider, definition: CompiledDefinition) => RunDecider;

/** A decider whose transitions are made in another way. */
export const deciding =
  (make: (sound: Transit, definition: CompiledDefinition) => Transit): Decides =>
  (decider, definition) => {
    const transition = make(decider.transition, definition);
    const decide = (command: RunCommand, state: RunState) => {
      const result = transition(command, state);
      return result instanceof Rejection ? result : result.events;
    };
    return { ...decider, transition, decide };
  };

/** A decider whose events are changed before anybody sees them. */
export const rewriting = (
  change: (
    events: readonly RunEvent[],
    before: RunState,
    definition: CompiledDefinition,
  ) => readonly RunEvent[],
): Decides =>
  deciding((sound, definition) => (command, state) => {
    const decided = sound(command, state);
    if (decided instanceof Rejection) return decided;
    return leadingTo(change(decided.events, state, definition), state);
  });

/** A decider that hears something else than what was answered. */
export const mishearing = (
  hear: (answer: CallAnswered, sound: Transit, state: RunState) => CallAnswered,
): Decides =>
  deciding((sound) => (command, state) => {
    if (command.type !== 'CallAnswered') return sound(command, state);
    return sound(hear(command, sound, state), state);
  });

export const leadingTo = (events: readonly RunEvent[], before: RunState): Transition => ({
  events,
  state: events.reduce(evolveRun, before),
});

export function isUndoable(definition: CompiledDefinition, address: string): boolean {
  const step = definition.steps.get(nameAt(address));
  if (step?.type === 'sub_workflow') return true;
  return step?.type === 'service_call' && step.undo !== undefined;
}
