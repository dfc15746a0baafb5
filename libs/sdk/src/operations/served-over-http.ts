import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Answer, CallHeaders, Handlers, OnGone } from './handlers';

/** `POST /operations/<name>`. */
const OPERATIONS = '/operations/';
const HEALTH = '/health';
const BODY_BYTES_MAX = 1_000_000;
const REQUEST_MS_MAX = 30_000;
const CONNECTIONS_MAX = 1_024;
const SWEEP_MS = 50;

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Whether the service works; asked by the suite's checks. */
  readonly isHealthy: () => boolean | Promise<boolean>;
  /** What threw that should not have. */
  readonly onDefect: (where: string, defect: unknown) => void;
}

/** The operations of a service over HTTP, and the answer to health checks. */
export class ServedOverHttp {
  private constructor(private readonly server: Server) {}

  static async listen(handlers: Handlers, options: HttpOptions): Promise<ServedOverHttp> {
    const server = createServer((request, response) => {
      // Closed before it was ended: whoever asked has gone.
      const onGone: OnGone = (gone) => {
        if (response.closed) gone();
        else response.once('close', () => !response.writableEnded && gone());
      };
      answer(handlers, options, request, onGone).then(
        (reply) => send(response, reply),
        (defect: unknown) => {
          // The client went away in the middle of its body, or it is ours.
          if (!request.destroyed) options.onDefect('http', defect);
          response.destroy();
        },
      );
    });
    server.requestTimeout = REQUEST_MS_MAX;
    server.maxConnections = CONNECTIONS_MAX;
    server.listen(options.port, options.host);
    await once(server, 'listening');
    return new ServedOverHttp(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes no new connections, and returns when the requests under way are answered, or after `ms`. */
  async close(ms: number): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.server.closeAllConnections(), ms);
    // Connections become idle one after the other, and new ones that never ask count as busy.
    const sweep = setInterval(() => this.server.closeIdleConnections(), SWEEP_MS);
    await closed;
    clearTimeout(timer);
    clearInterval(sweep);
  }
}

async function answer(
  handlers: Handlers,
  { isHealthy, onDefect }: HttpOptions,
  request: IncomingMessage,
  onGone: OnGone,
): Promise<Answer> {
  const path = request.url?.split('?', 1)[0] ?? '/';
  if (path === HEALTH) {
    const works = await Promise.resolve()
      .then(isHealthy)
      .catch((defect: unknown) => {
        onDefect('isHealthy', defect);
        return false;
      });
    return {
      status: works ? 200 : 503,
      body: JSON.stringify({ status: works ? 'ok' : 'failing' }),
    };
  }
  if (!path.startsWith(OPERATIONS)) return refusal(404, 'there is no such path');
  if (request.method !== 'POST') return refusal(405, 'operations are asked with POST');
  const body = await bodyOf(request);
  if (body === undefined) return refusal(413, `the body is larger than ${BODY_BYTES_MAX} bytes`);
  const name = path.slice(OPERATIONS.length);
  return handlers.answer(name, body, request.headers as CallHeaders, onGone);
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const refusal = (status: number, detail: string): Answer => ({
  status,
  body: JSON.stringify({ status, title: 'refused', detail }),
});

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(body);
}
