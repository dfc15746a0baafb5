import type { LogHints } from '@downbeat/event-store';
import type { MessageBus } from '@downbeat/message-bus';

/** Core NATS subject of "the log grew": `{ position }`. */
export const logHintSubject = (logName: string): string => `hint.log.${logName}`;

/** Lets processes tell one another over the bus that the log grew. */
export const logHints = (bus: MessageBus, logName: string): LogHints => ({
  publish: (position) => bus.hint(logHintSubject(logName), { position }),
  subscribe: (listener) =>
    bus.onHint(logHintSubject(logName), (payload) => {
      const { position } = payload as { position?: unknown };
      if (typeof position === 'number') listener(position);
    }),
});
