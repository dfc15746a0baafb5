import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Problem } from '@downbeat/message-bus';
import { problemReply } from './problems';
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
  server.on('clientError', refuseUnparsed);
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
  return { code: 'malformed-request', message: 'this is not HTTP/1.1', kind: 'invalid' };
}

export const headersTooLarge: Problem = {
  code: 'headers-too-large',
  message: `a request has at most ${HEADERS_MAX} headers, 16 KiB together`,
  kind: 'invalid',
};

export const urlTooLong: Problem = {
  code: 'url-too-long',
  message: `a URL has at most ${URL_LENGTH_MAX} characters`,
  kind: 'invalid',
};

const requestTooSlow: Problem = {
  code: 'request-timeout',
  message: `a request must arrive within ${REQUEST_TIMEOUT_MS} ms`,
  kind: 'invalid',
};
