import type { LogHint, LogHints } from '@downbeat/event-store';
import type { MessageBus } from '@downbeat/message-bus';

/** Core NATS subject of "the log grew": `{ position, contexts }`, contexts being those it has new events of. */
export const logHintSubject = (logName: string): string => `hint.log.${logName}`;

/** Lets processes tell one another over the bus that the log grew. */
export const logHints = (bus: MessageBus, logName: string): LogHints => ({
  publish: ({ position, contexts }) =>
    bus.hint(logHintSubject(logName), { position, ...(contexts && { contexts: [...contexts] }) }),
  subscribe: (listener) =>
    bus.onHint(logHintSubject(logName), (payload) => {
      const hint = hintOf(payload);
      if (hint) listener(hint);
    }),
});

/** Contexts that are not understood count as not known: everybody looks, which is never wrong. */
function hintOf(payload: unknown): LogHint | undefined {
  const { position, contexts } = (payload ?? {}) as { position?: unknown; contexts?: unknown };
  if (typeof position !== 'number') return undefined;
  return isTexts(contexts) ? { position, contexts } : { position };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
