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
 * @param keysMax Of JSON; by default as many as any body may have.
 * @throws {RequestAborted} The client went away.
 */
export async function readBody(
  request: IncomingMessage,
  accepted: readonly BodyType[],
  keysMax?: number,
): Promise<{ readonly value: Json } | Rejection> {
  const type = bodyType(request, accepted);
  const whole = await readWhole(request);
  if (whole?.length === 0) return { value: {} };
  // What it says of itself comes first: of a compressed body the bytes say nothing.
  if (type instanceof Rejection) return type;
  if (!whole) return bodyRefused('body-too-large', 'is larger than 1 MiB: send less at once');
  if (!isUtf8(whole)) return bodyRefused('malformed-body', 'is not UTF-8');
  const text = new TextDecoder().decode(whole);
  switch (type) {
    case 'application/json':
      return parseUntrustedJson(text, keysMax);
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
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const found = accepted.find((candidate) => candidate === type);
  const errors = [
    ...(found ? [] : [{ field: 'Content-Type', message: `must be ${accepted.join(' or ')}` }]),
    ...(found && !isUtf8Text ? [{ field: 'Content-Type', message: 'must be in UTF-8' }] : []),
    ...(encoding.toLowerCase() === 'identity' ? [] : [NOT_PLAIN]),
  ];
  if (found && errors.length === 0) return found;
  return new Rejection(
    'unsupported-media-type',
    `the body must be ${accepted.join(' or ')} in UTF-8, not compressed`,
    'invalid',
    errors,
  );
}

const NOT_PLAIN = {
  field: 'Content-Encoding',
  message: 'must be identity: compressed bodies are not taken',
};

const bodyRefused = (code: string, message: string): Rejection =>
  new Rejection(code, `the body ${message}`, 'invalid', [{ field: '', message }]);

const chunksOf = (request: IncomingMessage): AsyncIterable<Buffer> => ({
  [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }),
});

/** All bytes; undefined when they are more than is taken. */
async function readWhole(request: IncomingMessage): Promise<Buffer | undefined> {
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
  return bytes > JSON_BYTES_MAX ? undefined : Buffer.concat(chunks);
}
