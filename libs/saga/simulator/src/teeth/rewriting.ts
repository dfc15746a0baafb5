import { Rejection } from '@downbeat/eventsourcing';
import {
  evolveRun,
  type CallAnswered,
  runDecider,
  type CompiledCall,
  type CompiledDefinition,
  type CompiledStep,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
  type Transition,
} from '@downbeat/saga-domain';

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

/** The rules for a definition that was not registered. */
export const deciderFor = (change: (step: CompiledStep) => CompiledStep) => ({
  decider: (_: unknown, definition: CompiledDefinition) => {
    const steps = [...definition.steps].map(([name, step]) => [name, change(step)] as const);
    return runDecider({ ...definition, steps: new Map(steps) });
  },
});

/** Of every call, and of every one that undoes it. */
export const changingCalls =
  (change: (call: CompiledCall['call']) => CompiledCall['call']) =>
  (step: CompiledStep): CompiledStep =>
    step.type === 'service_call'
      ? { ...step, call: change(step.call), undo: step.undo && change(step.undo) }
      : step;
