import type { Server } from 'node:http';

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the pause between two flushes of an exporter: they send on one connection. */
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
const CONNECTIONS_MAX = 2_000;

/** Anybody may connect to a port that takes spans in: how long they may take, and how many there may be. */
export function boundHttp(server: Server): void {
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
}
