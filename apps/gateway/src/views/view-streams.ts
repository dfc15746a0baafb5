import type { QueryContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { HostSettings, logHints } from '@downbeat/service-host';
import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Request } from 'express';
import type { ServerResponse } from 'node:http';
import type { Exchange, Handler } from '../http/exchange';
import { problemOfRejection, problemReply } from '../http/problems';
import type { Reply } from '../http/reply';
import type { ContractRoute } from '../http/route-table';
import { ClientPlaces, endWithin, stopping } from '../stream/client-places';
import { EVENT_STREAM, STREAM_BEGIN, STREAM_HEADERS } from '../stream/head';
import { firstNews, type FirstNews } from './first-news';
import { ViewClient } from './view-client';
import type { ViewId } from './view-id';
import type { ViewNews } from './view-news';
import { ViewSettings } from './view-settings';
import { watchRequest, type WatchRequest } from './watch-request';
import { isWatched, notWatched } from './watched-routes';
import { WatchedViews } from './watched-views';
import type { WatchedView } from './watched-view';

/**
 * Any view as server-sent events: its answer now, and again whenever it is another one. The id of an
 * event says which answer it is, so a client that comes back with `Last-Event-ID`, to whichever
 * gateway, is sent what it does not have.
 */
@Injectable()
export class ViewStreams implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(ViewStreams.name);
  private readonly places: ClientPlaces;
  private readonly views: WatchedViews;
  private unsubscribe: () => void = () => undefined;
  private isClosed = false;

  constructor(
    private readonly bus: MessageBus,
    private readonly settings: ViewSettings,
    private readonly host: HostSettings,
  ) {
    this.places = new ClientPlaces(settings);
    this.views = new WatchedViews(bus, settings, () => this.letGo());
  }

  onModuleInit(): void {
    const hints = logHints(this.bus, this.host.config.LOG_NAME);
    this.unsubscribe = hints.subscribe(({ position, contexts }) =>
      this.views.hear(position, contexts),
    );
  }

  onModuleDestroy(): void {
    this.close();
    this.unsubscribe();
  }

  /** Lets the clients go, so that the server can close, and takes no more; they resume elsewhere. */
  close(): void {
    this.isClosed = true;
    this.letGo();
  }

  /** They come again by themselves. */
  private letGo(): void {
    for (const response of this.places.responses)
      if (response.headersSent) endWithin(response, this.settings.stalledMs);
  }

  /** The route as it was, and as a stream for those who accept one rather than JSON. */
  over(route: ContractRoute<QueryContract>, plain: Handler): Handler {
    return async (exchange) => {
      const reply = wantsStream(exchange.request)
        ? await this.stream(exchange, route)
        : await plain(exchange);
      return reply && { ...reply, headers: { Vary: 'Accept', ...reply.headers } };
    };
  }

  private async stream(
    { request, response, context }: Exchange,
    route: ContractRoute<QueryContract>,
  ): Promise<Reply | undefined> {
    if (!isWatched(route)) return problemReply(notWatched(route), context);
    const wanted = await watchRequest(request, route);
    if (wanted instanceof Rejection) return problemReply(problemOfRejection(wanted), context);
    if (request.method === 'HEAD') return { status: 200, headers: STREAM_HEADERS };
    if (this.isClosed) return problemReply(stopping, context);
    const full = this.places.take(response);
    if (full) return problemReply(full, context);

    const { view, problem, reset } = await this.begin(response, route.contract, wanted);
    if (problem) return problemReply(problem, context);
    if (this.isClosed) return problemReply(stopping, context);
    // A client that left meanwhile has been let go already.
    if (response.destroyed) return undefined;
    response.writeHead(200, { ...STREAM_HEADERS, Vary: 'Accept' }).write(STREAM_BEGIN);
    if (reset) response.write(`event: reset\ndata: ${JSON.stringify(reset)}\n\n`);
    // Who is told to begin anew has nothing any more, not even what is the same in both logs.
    const has = reset ? undefined : wanted.last;
    this.follow({ request, response, context }, view, wanted.everyMs, has);
    return undefined;
  }

  /** Anew, if it shows meanwhile that the log is another one. */
  private async begin(
    response: ServerResponse,
    contract: QueryContract,
    wanted: WatchRequest,
  ): Promise<FirstNews & { readonly view: WatchedView }> {
    const { view, isCurrent, release } = this.views.hold(contract, wanted.input);
    response.once('close', release);
    const first = await firstNews(this.bus, view, wanted);
    if (isCurrent() || response.destroyed) return { view, ...first };
    return this.begin(response, contract, wanted);
  }

  private follow(
    { response, context }: Exchange,
    view: WatchedView,
    everyMs: number,
    last: ViewId | undefined,
  ): void {
    const client = new ViewClient({
      response,
      view,
      everyMs,
      tag: hasIt(last, view.news) ? last?.tag : undefined,
      written: (problem) => problemReply(problem, context).body ?? '',
      settings: this.settings,
    });
    response.once('close', view.watch({ everyMs, moved: client.moved }));
    client.run().catch((fault: unknown) => {
      this.logger.error({ err: fault }, 'a stream of a view broke');
      response.destroy();
    });
  }
}

/** Whether the answer a client came with is the one there is. */
const hasIt = (last: ViewId | undefined, news: ViewNews | undefined): boolean =>
  news?.kind === 'answer' && news.tag === last?.tag;

/** Named, and not less wanted than JSON: who accepts anything gets JSON. */
const wantsStream = (request: Request): boolean =>
  request.accepts(['application/json', EVENT_STREAM]) === EVENT_STREAM;
