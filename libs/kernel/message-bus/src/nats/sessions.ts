import type { BusLog } from '../bus-log';
import type { ClosedSession } from '../message-bus';
import { reasonOf } from '../one-line';
import type { Connection } from './connection';

/**
 * Where the server's own account is exported to the suite's (`deploy/nats/nats.conf`). Of the whole
 * server, so no suite's prefix stands before it.
 */
export const SESSION_CLOSED = 'session.closed';

/** As nats-server writes it: `io.nats.server.advisory.v1.client_disconnect`. */
interface ClientDisconnect {
  readonly server: { readonly id: string };
  readonly client: { readonly id: number };
  readonly reason: string;
}

/** Hears from the server which connections have closed. */
export class Sessions {
  constructor(
    private readonly connection: Connection,
    private readonly log: BusLog,
  ) {}

  listen(listener: (session: ClosedSession) => void): () => void {
    const subscription = this.connection.nats.subscribe(SESSION_CLOSED, {
      callback: (fault, message) => {
        if (fault) return;
        try {
          const { server, client, reason } = JSON.parse(message.string()) as ClientDisconnect;
          listener({ server_id: server.id, client_id: client.id, reason });
        } catch (thrown) {
          const why = reasonOf(thrown);
          this.log.warn('a closed session was not understood', { reason: why });
        }
      },
    });
    return () => subscription.unsubscribe();
  }
}
