import type { MessageBus } from '@downbeat/message-bus';
import type { DefinitionLibrary } from './definition-library';

/** Tells the other replicas that a workflow may have a new version: `{ name }`. */
export const DEFINITION_HINT = 'hint.saga.definition';

export const forgetWhenHinted = (bus: MessageBus, library: DefinitionLibrary): (() => void) =>
  bus.onHint(DEFINITION_HINT, (payload) => {
    const { name } = payload as { readonly name?: unknown };
    if (typeof name === 'string') library.forget(name);
  });
