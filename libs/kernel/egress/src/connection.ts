import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { ConnectionRefused, EgressFault, TimedOut } from './faults';

/**
 * Opens one plain TCP connection through the guarded connector. A connection that comes after the
 * time-out is closed at once.
 *
 * @param origin As {@link judgeUrl} normalised it: `http://10.0.0.7:3000`.
 * @throws {EgressRefused} @throws {ConnectionRefused} @throws {TimedOut}
 */
export const openConnection = (
  connect: buildConnector.connector,
  origin: string,
  timeoutMs: number,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      reject(new TimedOut(timeoutMs, 'not-sent'));
    }, timeoutMs);
    connect(addressOf(origin), (fault, socket) => {
      clearTimeout(timer);
      if (isOver) socket?.destroy();
      else if (socket) resolve(socket);
      else reject(faultOf(fault));
    });
  });

/** Without TLS, whatever the scheme is: the port alone is the scheme's. */
function addressOf(origin: string): buildConnector.Options {
  const { protocol, hostname, port } = new URL(origin);
  return {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    protocol: 'http:',
    port: port || (protocol === 'https:' ? '443' : '80'),
  };
}

function faultOf(fault: NodeJS.ErrnoException): EgressFault {
  if (fault instanceof EgressFault) return fault;
  return new ConnectionRefused(fault.code ?? fault.message, { cause: fault });
}
