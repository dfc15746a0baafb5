import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallCounter } from './call-counter';

/**
 * Two services of a benchmark behind one port: every POST is an operation and succeeds, after
 * `DELAY_MS`. `GET /report` says what was called since the last report; `GET /total` how often.
 */
const DELAY_MS = Number(process.env['DELAY_MS'] ?? 0);
const counter = new CallCounter();

const server = createServer((request, response) => {
  if (request.method === 'POST') return operate(request, response);
  switch (request.url ?? '') {
    case '/health':
      return send(response, 200, { status: 'healthy' });
    case '/report':
      return send(response, 200, counter.take());
    case '/total':
      return send(response, 200, { calls: counter.total });
  }
  return send(response, 404, { code: 'not-found' });
});

server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ type: 'listening', url: `http://127.0.0.1:${port}` });
});
process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));

function operate(request: IncomingMessage, response: ServerResponse): void {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return send(response, 400, { code: 'key-missing' });
  counter.count(key, Date.now());
  // The body is read, so that the connection can be used again.
  request.resume();
  request.once('end', () => {
    const answer = () => send(response, 201, { id: `${key}-done`, status: 'done' });
    if (DELAY_MS === 0) answer();
    else setTimeout(answer, DELAY_MS);
  });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
