import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '@downbeat/eventsourcing';

/** One call as a participant saw it. */
export interface SeenCall {
  readonly method: string;
  /** With its query string. */
  readonly path: string;
  /** The idempotency key without the run: `pay`, `pay:undo`. */
  readonly key: string;
  /** The run it belongs to. */
  readonly run: string;
  readonly attempt: number;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

/** What a participant does with a call: answer, or break the connection, or say nothing at all. */
export type Reaction =
  | { readonly status: number; readonly body?: Json; readonly headers?: Record<string, string> }
  | 'breaks'
  | 'is-silent';

/** A service of HTTP that remembers every call, whatever it does with it. */
export class Participants {
  readonly seen: SeenCall[] = [];
  react: (call: SeenCall) => Reaction | Promise<Reaction> = () => ({ status: 200, body: {} });

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<Participants> {
    const server = createServer();
    const participants = new Participants(server);
    server.on('request', (request, response) => void participants.take(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return participants;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Names of the calls of one run, in order: `pay`, `pay:undo`. */
  of(run: string): readonly string[] {
    return this.seen.filter((call) => call.run === run).map(({ key }) => key);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const [run = '', ...key] = String(headers['idempotency-key']).split(':');
    const text = Buffer.concat(chunks).toString();
    const call: SeenCall = {
      method,
      path: url,
      key: key.join(':'),
      run,
      attempt: Number(headers['downbeat-attempt']),
      body: text === '' ? undefined : JSON.parse(text),
      headers,
    };
    this.seen.push(call);
    const reaction = await this.react(call);
    if (reaction === 'is-silent') return;
    if (reaction === 'breaks') return void request.socket.destroy();
    response.writeHead(reaction.status, {
      'content-type': 'application/json',
      ...reaction.headers,
    });
    response.end(reaction.body === undefined ? '' : JSON.stringify(reaction.body));
  }
}
