import type { NatsLink } from '../nats/nats-link';
import type { Answer, Handlers } from './handlers';

/** How NATS services say that a request failed (NATS ADR-32); header names in lower case, as they are read. */
export const ERROR_CODE = 'nats-service-error-code';
export const ERROR_TEXT = 'nats-service-error';

/** Where an operation of a service is asked for over NATS; its instances share the questions. */
export const operationSubject = (serviceName: string, operation: string): string =>
  `service.${serviceName}.${operation}`;

/** The operations of a service over NATS. Returns what ends it, and settles when all is handed over. */
export function serveOverNats(
  link: NatsLink,
  serviceName: string,
  handlers: Handlers,
): () => Promise<void> {
  const forget = handlers.names.map((name) =>
    link.serve(operationSubject(serviceName, name), serviceName, ({ body, headers, respond }) => {
      handlers
        .answer(name, body, headers)
        .then((answer) => respond(answer.body, headersOf(answer)))
        // The connection was closed meanwhile: there is nobody to tell.
        .catch(() => undefined);
    }),
  );
  return async () => {
    await Promise.all(forget.map((each) => each()));
  };
}

function headersOf({ status, body, headers = {} }: Answer): Readonly<Record<string, string>> {
  if (status < 400) return headers;
  return {
    ...headers,
    'Nats-Service-Error-Code': String(status),
    'Nats-Service-Error': detailOf(body),
  };
}

/** A header has one line. */
function detailOf(body: string): string {
  const { detail = '' } = JSON.parse(body) as { readonly detail?: string };
  return detail.replace(/\s+/g, ' ').slice(0, 300);
}
