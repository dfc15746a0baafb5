import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { EgressRefused } from './faults';
import { judgeAddress, type EgressPolicy } from './policy';

/** Turns a host name into all its addresses, in the order in which to try them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The machine's own resolver, which also reads its hosts file. */
export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * Opens connections for the agent. A name is resolved once per connection, every address of the
 * answer is judged, and the socket is given those very addresses: a second answer of the name
 * server is never asked for, so it cannot lead elsewhere (DNS rebinding).
 */
export function guardedConnector(
  policy: EgressPolicy,
  resolve: Resolve,
  connectTimeoutMs: number,
): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardedLookup(policy, resolve),
    timeout: connectTimeoutMs,
    autoSelectFamily: true,
  });
  return (options, callback) =>
    connect(options, (fault, socket) => {
      // Whatever the way to this socket was: it must not lead to where it may not.
      const address = socket?.remoteAddress;
      const refused = address === undefined ? undefined : judgeAddress(policy, address);
      if (!socket) callback(fault, null);
      else if (refused) {
        socket.destroy();
        callback(new EgressRefused(refused), null);
      } else callback(null, socket);
    });
}

const guardedLookup =
  (policy: EgressPolicy, resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname)
      .then((addresses) => {
        for (const { address } of addresses) {
          const refused = judgeAddress(policy, address);
          if (refused)
            throw new EgressRefused({
              ...refused,
              reason: `${hostname} leads to ${refused.reason}`,
            });
        }
        return addresses;
      })
      .then(
        (addresses) => {
          const [first] = addresses;
          if (!first) callback(nameNotFound(hostname), '');
          else if (options.all) callback(null, [...addresses]);
          else callback(null, first.address, first.family);
        },
        (fault: NodeJS.ErrnoException) => callback(fault, ''),
      );
  };

const nameNotFound = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
