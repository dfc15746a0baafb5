import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';
import { MessageBus } from '@downbeat/message-bus';
import { RequestAborted } from './body';
import { commandHandler } from './command-handler';
import type { Handler } from './exchange';
import { problemOfFault, problemReply } from './problems';
import { queryHandler } from './query-handler';
import { send, type Reply } from './reply';
import { contextOf, type RequestContext } from './request-context';
import { StartsUnderWay } from './starts-under-way';
import { contractRoutes, isCommand, type ContractRoute, type Method } from './route-table';
import { isQueryByGet } from '../views/watched-routes';
import { ViewStreams } from '../views/view-streams';

/** Puts handlers on the HTTP server: one per path, which knows the methods of that path. */
@Injectable()
export class Routes implements OnModuleInit {
  private readonly logger = new Logger(Routes.name);
  private readonly table = new Map<string, Map<Method, Handler>>();

  constructor(
    bus: MessageBus,
    private readonly host: HttpAdapterHost,
    starts: StartsUnderWay,
    views: ViewStreams,
  ) {
    for (const route of contractRoutes) {
      const handler = contractHandler(bus, route, starts);
      this.add(
        route.method,
        route.path,
        isQueryByGet(route) ? views.over(route, handler) : handler,
      );
    }
  }

  /** Only before the application is initialised. */
  get(path: string, handler: Handler): void {
    this.add('GET', path, handler);
  }

  onModuleInit(): void {
    const adapter = this.host.httpAdapter;
    for (const [path, methods] of [...this.table].sort(fixedFirst))
      adapter.all(path.replace(/\{(\w+)\}/g, ':$1'), (request: Request, response: Response) =>
        this.dispatch(methods, request, response),
      );
    adapter.use((fault: unknown, request: Request, response: Response, _next: NextFunction) =>
      send(response, this.replyTo(fault, contextOf(request))),
    );
  }

  private add(method: Method, path: string, handler: Handler): void {
    const methods = this.table.get(path) ?? new Map<Method, Handler>();
    if (methods.has(method)) throw new RangeError(`${method} ${path} is there twice`);
    this.table.set(path, methods.set(method, handler));
  }

  private async dispatch(
    methods: ReadonlyMap<Method, Handler>,
    request: Request,
    response: Response,
  ): Promise<void> {
    const context = contextOf(request);
    const handler = methods.get((request.method === 'HEAD' ? 'GET' : request.method) as Method);
    if (!handler) return send(response, withoutHandler(methods, request.method, context));
    try {
      const reply = await handler({ request, response, context });
      if (reply) send(response, reply);
    } catch (fault) {
      if (fault instanceof RequestAborted) response.destroy();
      else send(response, this.replyTo(fault, context));
    }
  }

  /** The log gets everything, the answer what may leave. */
  replyTo(fault: unknown, context: RequestContext): Reply {
    const problem = problemOfFault(fault);
    if (problem.kind === 'internal')
      this.logger.error({ err: fault, trace_id: context.traceId }, `${context.path} broke`);
    return problemReply(problem, context);
  }
}

const contractHandler = (bus: MessageBus, route: ContractRoute, starts: StartsUnderWay): Handler =>
  isCommand(route) ? commandHandler(bus, route, starts) : queryHandler(bus, route as never);

/** `/traces/search` before `/traces/{trace_id}`: `{` sorts behind letters. */
const fixedFirst = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : 1;

function withoutHandler(
  methods: ReadonlyMap<Method, Handler>,
  method: string,
  context: RequestContext,
): Reply {
  const known = [...methods.keys()];
  const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (method === 'OPTIONS') return { status: 204, headers: { Allow: allow } };
  const reply = problemReply(
    {
      code: 'method-not-allowed',
      message: `${method} is not possible here, but ${allow} are`,
      kind: 'invalid',
    },
    context,
  );
  return { ...reply, headers: { ...reply.headers, Allow: allow } };
}
