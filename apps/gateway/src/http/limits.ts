import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Problem } from '@downbeat/message-bus';
import { invalidPart, problemReply } from './problems';
import { newContext } from './request-context';

export const URL_LENGTH_MAX = 8_192;
export const HEADERS_MAX = 100;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 2_000;

/**
 * What holds before a request is looked at; for an application that is not initialised yet. Sizes of
 * headers are Node's own limit, 16 KiB together. `requestTimeout` bounds the arrival of a request,
 * not the answer, so streams may stay open.
 */
export function limitHttp(app: NestExpressApplication): void {
  // Bodies are read by the routes, within their own bounds.
  app.getHttpAdapter().registerParserMiddleware = () => undefined;
  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  // One more than allowed: Node drops what is above silently, and it should be refused instead.
  server.maxHeadersCount = HEADERS_MAX + 1;
  // Node would answer a missing Host with an empty body; `problemOfHead` says what is wrong.
  Object.assign(server, { requireHostHeader: false });
  server.on('clientError', refuseUnparsed);
}

/** What is wrong with a request before anything is known of what it wants. */
export function problemOfHead(
  request: IncomingMessage & { readonly originalUrl: string },
): Problem | undefined {
  const { originalUrl, rawHeaders } = request;
  if (originalUrl.length > URL_LENGTH_MAX) return urlTooLong;
  if (rawHeaders.length / 2 > HEADERS_MAX) return headersTooLarge;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  // Two of them may be read as two different ones by whoever stands between (RFC 9112, 3.2).
  if (hosts.length > 1) return invalidPart('malformed-request', 'Host', 'is given more than once');
  if (hosts.length === 0 && request.httpVersion === '1.1')
    return invalidPart('malformed-request', 'Host', 'is required');
  return undefined;
}

/** What Node could not read as HTTP never becomes a request; it is still answered with a problem. */
function refuseUnparsed(fault: NodeJS.ErrnoException, socket: Duplex): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const reply = problemReply(problemOfParser(fault.code), newContext({}, ''));
  const headers = { ...reply.headers, 'Content-Length': Buffer.byteLength(reply.body ?? '') };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n${head.join('')}Connection: close\r\n\r\n${reply.body}`,
  );
}

function problemOfParser(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTooSlow;
  const field = FIELD_OF_PARSER[code ?? ''] ?? 'request';
  return invalidPart('malformed-request', field, 'is not HTTP/1.1');
}

/** What Node's parser says of a header; of anything else the request as a whole is wrong. */
const FIELD_OF_PARSER: Readonly<Record<string, string>> = {
  HPE_INVALID_CONTENT_LENGTH: 'Content-Length',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'Content-Length',
  HPE_INVALID_TRANSFER_ENCODING: 'Transfer-Encoding',
  HPE_INVALID_HEADER_TOKEN: 'headers',
};

const headersTooLarge = invalidPart(
  'headers-too-large',
  'headers',
  `must be at most ${HEADERS_MAX}, 16 KiB together`,
);

const urlTooLong = invalidPart(
  'url-too-long',
  'url',
  `must have at most ${URL_LENGTH_MAX} characters`,
);

const requestTooSlow = invalidPart(
  'request-timeout',
  'request',
  `must arrive within ${REQUEST_TIMEOUT_MS} ms`,
);
