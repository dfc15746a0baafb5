import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageBus, type Problem } from '@downbeat/message-bus';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Handler } from '../http/exchange';
import { problemOfRejection, problemReply } from '../http/problems';
import { queryParameters } from '../http/query-string';
import { LogReader } from './log-reader';
import { streamFilter, type StreamFilter } from './log-page';
import { StreamClient } from './stream-client';
import { StreamSettings } from './stream-settings';

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Proxies such as nginx would collect events otherwise.
  'X-Accel-Buffering': 'no',
};
const RECONNECT_MS = 1_000;

const position = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a position')
  .transform(Number)
  .optional();
const parametersOfStream = streamFilter.extend({ after: position });
const lastEventId = z.strictObject({ 'Last-Event-ID': position });

interface Subscription {
  readonly filter: StreamFilter;
  readonly after: number | undefined;
}

/**
 * The log as server-sent events. The id of an event is its position, so a client that comes back
 * with `Last-Event-ID` misses nothing; without it, and without `?after=`, it begins now. One whose
 * position the log has not reached has seen another log: it is told by the event `reset`,
 * `{ asked, head }`, and begins now.
 */
@Injectable()
export class EventStream implements OnModuleDestroy {
  private readonly logger = new Logger(EventStream.name);
  /** By response: the address of its client. */
  private readonly clients = new Map<Response, string>();
  private isClosed = false;

  constructor(
    private readonly bus: MessageBus,
    private readonly reader: LogReader,
    private readonly settings: StreamSettings,
  ) {}

  readonly handler: Handler = async ({ request, response, context }) => {
    const asked = subscriptionOf(request);
    if (asked instanceof Rejection) return problemReply(problemOfRejection(asked), context);
    if (request.method === 'HEAD') return { status: 200, headers: HEADERS };
    if (this.isClosed) return problemReply(stopping, context);
    const address = request.socket.remoteAddress ?? '';
    const full = this.fullFor(address);
    if (full) return problemReply(full, context);

    this.clients.set(response, address);
    response.once('close', () => this.clients.delete(response));
    await this.open(response, asked);
    return undefined;
  };

  /** Lets the clients go, so that the server can close, and takes no more; they resume elsewhere. */
  close(): void {
    this.isClosed = true;
    for (const response of this.clients.keys()) response.end();
  }

  onModuleDestroy(): void {
    this.close();
  }

  private fullFor(address: string): Problem | undefined {
    const { clientsMax, clientsPerAddressMax } = this.settings;
    if (this.clients.size >= clientsMax)
      return tooManyStreams(`${clientsMax} streams are open already`);
    const ofAddress = [...this.clients.values()].filter((other) => other === address).length;
    if (ofAddress >= clientsPerAddressMax)
      return tooManyStreams(`${clientsPerAddressMax} streams of this address are open already`);
    return undefined;
  }

  private async open(response: Response, { filter, after }: Subscription): Promise<void> {
    const client = new StreamClient(this.bus, this.reader, this.settings, response, filter);
    const { head, leave } = await this.reader.join(client.moved);
    response.once('close', leave);
    // A client that left while the head was asked for would never be closed again.
    if (response.destroyed || response.writableEnded) return leave();
    response.writeHead(200, HEADERS).write(`retry: ${RECONNECT_MS}\n\n`);
    const begin = after ?? head;
    if (begin > head) response.write(reset(begin, head));
    client.run(Math.min(begin, head)).catch((fault: unknown) => {
      this.logger.error({ err: fault }, 'a stream broke');
      response.destroy();
    });
  }
}

/** The header wins: a browser that reconnects repeats the URL it began with. */
function subscriptionOf(request: Request): Subscription | Rejection {
  const parameters = queryParameters(request.originalUrl);
  if (parameters instanceof Rejection) return parameters;
  const asked = validate(parametersOfStream, parameters.value);
  if (asked instanceof Rejection) return asked;
  const resumed = validate(lastEventId, {
    'Last-Event-ID': request.headers['last-event-id'] || undefined,
  });
  if (resumed instanceof Rejection) return resumed;
  const { after, ...filter } = asked.value;
  return { filter, after: resumed.value['Last-Event-ID'] ?? after };
}

/** The id comes along, so that the next reconnection is in order. */
const reset = (asked: number, head: number): string =>
  `event: reset\nid: ${head}\ndata: ${JSON.stringify({ asked, head })}\n\n`;

const tooManyStreams = (message: string): Problem => ({
  code: 'too-many-streams',
  message,
  kind: 'unavailable',
});

const stopping: Problem = {
  code: 'stopping',
  message: 'this gateway takes no more streams',
  kind: 'unavailable',
};
