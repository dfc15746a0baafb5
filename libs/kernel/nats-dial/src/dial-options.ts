import type { ConnectionOptions, TlsOptions } from 'nats';
import { authenticatorOf } from './authenticators';
import { InvalidNatsAddress, type NatsAddress, type NatsIdentity } from './nats-address';

type DialOptions = Pick<
  ConnectionOptions,
  'servers' | 'user' | 'pass' | 'token' | 'tls' | 'authenticator'
> & { readonly inboxPrefix: string };

const INBOX = '_INBOX';
const INBOX_PREFIX = /^_INBOX(_[A-Za-z0-9_-]+)?(\.[A-Za-z0-9_-]+)*$/;

/**
 * What the client has to be told so that it dials this address as this identity.
 *
 * @throws {InvalidNatsAddress}
 */
export function dialOptions(address: NatsAddress): DialOptions {
  const urls = address.url.split(',').map(urlOf);
  const [first] = urls;
  const user = decoded(first?.username ?? '');
  const pass = decoded(first?.password ?? '');
  const authenticator = authenticatorOf(address);
  if (authenticator && user !== '')
    throw new InvalidNatsAddress('a user stands in the URL, and another one in a file');
  const tls = tlsOf(address, urls);
  return {
    servers: urls.map(({ host }) => host),
    inboxPrefix: inboxPrefixOf(address, pass === '' ? '' : user),
    ...(tls && { tls }),
    ...(authenticator && { authenticator }),
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
  };
}

function urlOf(text: string): URL {
  const trimmed = text.trim();
  const said = trimmed.includes('://') ? trimmed : `nats://${trimmed}`;
  const url = URL.canParse(said) ? new URL(said) : undefined;
  if (url && ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '') return url;
  throw new InvalidNatsAddress('a NATS URL must be nats://host:port or tls://host:port');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (fault) {
    if (!(fault instanceof URIError)) throw fault;
    throw new InvalidNatsAddress(
      'the user or the password of a NATS URL has a % that encodes nothing',
    );
  }
}

/** Demanded of all servers as soon as it is wanted of one: the client has one answer for all. */
function tlsOf(
  { caFile, certFile, keyFile }: NatsIdentity,
  urls: readonly URL[],
): TlsOptions | undefined {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new InvalidNatsAddress('a certificate and its key are given together');
  const files = {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
  const isWanted = urls.some(({ protocol }) => protocol === 'tls:');
  return isWanted || Object.keys(files).length > 0 ? files : undefined;
}

/** Each user has inboxes apart from everyone else's, so that a server can let it hear only those. */
function inboxPrefixOf({ inboxPrefix }: NatsIdentity, user: string): string {
  if (inboxPrefix === undefined) return /^[A-Za-z0-9_-]+$/.test(user) ? `${INBOX}.${user}` : INBOX;
  if (INBOX_PREFIX.test(inboxPrefix)) return inboxPrefix;
  throw new InvalidNatsAddress('an inbox prefix must be _INBOX, _INBOX_<name> or _INBOX.<name>');
}
