import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { JSON_BYTES_MAX, parseUntrustedJson } from '@downbeat/contracts';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import { parseUntrustedYaml } from './untrusted-yaml';

export type BodyType = 'application/json' | 'application/yaml';

/** What a client still sends after its body was found too large is read and dropped up to here, so that it sees the answer. */
const DISCARDED_BYTES_MAX = 8 * JSON_BYTES_MAX;

/** The client went away before its request was complete; nobody is left to answer. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted';
}

/**
 * Reads a body of at most 1 MiB of one of the `accepted` types; no body at all is an empty object.
 *
 * @throws {RequestAborted} The client went away.
 */
export async function readBody(
  request: IncomingMessage,
  accepted: readonly BodyType[],
): Promise<{ readonly value: Json } | Rejection> {
  const type = bodyType(request, accepted);
  const text = await readText(request);
  if (text instanceof Rejection) return text;
  if (text === '') return { value: {} };
  if (type instanceof Rejection) return type;
  switch (type) {
    case 'application/json':
      return parseUntrustedJson(text);
    case 'application/yaml':
      return parseUntrustedYaml(text);
  }
}

export const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined ||
  Number(request.headers['content-length'] ?? 0) > 0;

function bodyType(request: IncomingMessage, accepted: readonly BodyType[]): BodyType | Rejection {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const isUtf8Text = parameters.every(
    (parameter) => !parameter.startsWith('charset=') || /^charset="?utf-8"?$/.test(parameter),
  );
  const isPlain = (request.headers['content-encoding'] ?? 'identity') === 'identity';
  const found = accepted.find((candidate) => candidate === type);
  if (found && isUtf8Text && isPlain) return found;
  return new Rejection(
    'unsupported-media-type',
    `the body must be ${accepted.join(' or ')} in UTF-8, not compressed`,
    'invalid',
    [{ field: 'Content-Type', message: `must be ${accepted.join(' or ')}` }],
  );
}

const chunksOf = (request: IncomingMessage): AsyncIterable<Buffer> => ({
  [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }),
});

async function readText(request: IncomingMessage): Promise<string | Rejection> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Breaking off must not destroy the connection: the answer still has to go out on it.
    for await (const chunk of chunksOf(request)) {
      bytes += chunk.length;
      if (bytes <= JSON_BYTES_MAX) chunks.push(chunk);
      else if (bytes > DISCARDED_BYTES_MAX) break;
    }
  } catch (fault) {
    throw new RequestAborted('the request was not sent to its end', { cause: fault });
  }
  if (bytes > JSON_BYTES_MAX)
    return new Rejection('body-too-large', 'the body is larger than 1 MiB', 'invalid');
  const whole = Buffer.concat(chunks);
  if (!isUtf8(whole)) return new Rejection('malformed-body', 'the body is not UTF-8', 'invalid');
  return new TextDecoder().decode(whole);
}
