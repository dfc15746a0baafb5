import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Handler } from '../http/exchange';
import { problemOfRejection, problemReply } from '../http/problems';
import { queryParameters } from '../http/query-string';
import { ClientPlaces, endWithin, stopping } from './client-places';
import { STREAM_BEGIN, STREAM_HEADERS } from './head';
import { LogReader } from './log-reader';
import { streamFilter, type StreamFilter } from './log-page';
import { StreamClient } from './stream-client';
import { StreamSettings } from './stream-settings';

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
  private readonly places: ClientPlaces;
  private isClosed = false;

  constructor(
    private readonly bus: MessageBus,
    private readonly reader: LogReader,
    private readonly settings: StreamSettings,
  ) {
    this.places = new ClientPlaces(settings);
  }

  readonly handler: Handler = async ({ request, response, context }) => {
    const asked = subscriptionOf(request);
    if (asked instanceof Rejection) return problemReply(problemOfRejection(asked), context);
    if (request.method === 'HEAD') return { status: 200, headers: STREAM_HEADERS };
    if (this.isClosed) return problemReply(stopping, context);
    const full = this.places.take(response);
    if (full) return problemReply(full, context);
    await this.open(response, asked);
    return undefined;
  };

  /** Lets the clients go, so that the server can close, and takes no more; they resume elsewhere. */
  close(): void {
    this.isClosed = true;
    for (const response of this.places.responses) endWithin(response, this.settings.stalledMs);
  }

  onModuleDestroy(): void {
    this.close();
  }

  private async open(response: Response, { filter, after }: Subscription): Promise<void> {
    const client = new StreamClient(this.bus, this.reader, this.settings, response, filter);
    const { head, leave } = await this.reader.join(client.moved);
    response.once('close', leave);
    // A client that left while the head was asked for would never be closed again.
    if (response.destroyed || response.writableEnded) return leave();
    response.writeHead(200, STREAM_HEADERS).write(STREAM_BEGIN);
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
