import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemCode } from '@downbeat/local-servers';
import { SuiteError } from './suite-error';

const ANSWER_WITHIN_MS = 3_000;
const PORT = 4_222;
const LINES_MAX = 10;

/**
 * Asks a nats-server that the suite has not started whether it can be used. The processes dial for
 * ever, as they should when a server is gone for a while; here nobody would learn what they wait for.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 * @param withinMs Of the whole conversation. Default 3,000.
 * @throws {SuiteError} Nothing answers there, it is no nats-server, refuses us, or has no JetStream.
 */
export async function checkNats(natsUrl: string, withinMs = ANSWER_WITHIN_MS): Promise<void> {
  const url = new URL(natsUrl);
  const port = Number(url.port || PORT);
  const refuse = (reason: string): SuiteError =>
    new SuiteError(
      `the nats-server of NATS_URL, ${url.hostname}:${port}, cannot be used: ${reason}; unset NATS_URL to run one of the suite's own`,
    );
  // Brackets belong to the URL of an IPv6 address, not to the address.
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port });
  const timer = setTimeout(() => socket.destroy(new Silence()), withinMs);
  try {
    const problem = await converse(socket, url);
    if (problem) throw refuse(problem);
  } catch (fault) {
    const code = systemCode(fault);
    if (code === undefined) throw fault;
    throw refuse(fault instanceof Silence ? `no answer within ${withinMs} ms` : code);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

class Silence extends Error {
  readonly code = 'ETIMEDOUT';
}

/** @returns What is wrong with the server. */
async function converse(socket: Socket, url: URL): Promise<string | undefined> {
  const failed = new Promise<never>((_, reject) => socket.once('error', reject));
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    return done === true ? '' : value;
  };

  const info = infoOf(await next());
  if (!info) return 'what answers there is no nats-server';
  // Its apps say the rest; behind a handshake there is nothing to read for us.
  if (info.tls_required === true) return undefined;
  socket.write(`CONNECT ${JSON.stringify(credentials(url))}\r\nPING\r\n`);
  for (let line = 0; line < LINES_MAX; line++) {
    const text = await next();
    if (text.startsWith('-ERR')) return `it says ${text.slice(5)}`;
    if (text === '') return 'it closed the connection';
    if (text === 'PONG')
      return info.jetstream === true ? undefined : 'it has no JetStream (start it with -js)';
  }
  return 'it does not answer a ping';
}

interface ServerInfo {
  readonly jetstream?: unknown;
  readonly tls_required?: unknown;
}

function infoOf(line: string): ServerInfo | undefined {
  if (!line.startsWith('INFO {')) return undefined;
  try {
    return JSON.parse(line.slice('INFO '.length)) as ServerInfo;
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}

/** A user without a password is a token. */
function credentials({ username, password }: URL): Readonly<Record<string, unknown>> {
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const own = { verbose: false, pedantic: false, lang: 'node', version: '0', name: 'npm start' };
  if (user === '') return own;
  return pass === '' ? { ...own, auth_token: user } : { ...own, user, pass };
}
