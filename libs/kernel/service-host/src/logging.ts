import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentStory, storyOf, traceIdOf, type Story } from '@downbeat/message-bus';
import { trace } from '@opentelemetry/api';
import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { pinoHttp, type HttpLogger, type Options } from 'pino-http';
import { storyOfRequest } from './http/request-story';

/** Probes and scrapes come every few seconds and say nothing; they are not worth a line each. */
const QUIET = /^\/(health|metrics)/;
/** A suite that is busy or half down turns away thousands; the first ones say it all. */
const UNAVAILABLE_LINES_MAX = 10;
const UNAVAILABLE_WINDOW_MS = 10_000;

/** JSON lines on stdout, one per happening; as middleware, one per request. */
export const jsonLog = (service: string, level: string): HttpLogger =>
  pinoHttp(httpLogging(service, level));

/** The same lines of requests, by a logger that is there. */
export const requestLog = (service: string, logger: Logger): HttpLogger =>
  pinoHttp({ ...httpLogging(service, logger.level), logger });

/**
 * Nest's logger on top of it. It is given no routes: it would keep a request's logger in an
 * asynchronous context of its own, beside the story, and each of these costs every promise.
 */
export const logging = ({ logger }: HttpLogger): DynamicModule =>
  LoggerModule.forRoot({ pinoHttp: { logger }, forRoutes: [] });

/** Requests are told by method, URL and status: headers hold secrets, and a line of them says little. */
export function httpLogging(
  service: string,
  level: string,
  now: () => number = () => performance.now(),
): Options {
  const unavailable = new LineLimit(UNAVAILABLE_LINES_MAX, UNAVAILABLE_WINDOW_MS, now);
  return {
    level,
    base: { service, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: (line: object) => idsOf('err' in line ? line.err : undefined),
    serializers: {
      req: ({ id, method, url }: LoggedRequest) => ({ id, method, url }),
      res: ({ statusCode }: LoggedResponse) => ({ statusCode }),
    },
    autoLogging: { ignore: (request: IncomingMessage) => QUIET.test(request.url ?? '') },
    customLogLevel: (_request, { statusCode }, fault) => {
      // "Come back later" is what a busy or starting process is meant to say.
      if (statusCode === 503) return unavailable.admits() ? 'warn' : 'silent';
      return fault || statusCode >= 500 ? 'error' : 'debug';
    },
    customSuccessObject: (request, _response, line: object) => ({ ...line, ...factsOf(request) }),
    customErrorObject: (request, response, fault, line: object) => ({
      ...line,
      // Its stack would only show where the logger made it.
      ...(isMadeByLogger(fault, response) && { err: undefined }),
      ...factsOf(request),
      ...(response.statusCode === 503 && { unlogged_before: unavailable.takeUntold() }),
    }),
    customErrorMessage: (_request, { statusCode }) =>
      statusCode === 503 ? 'request turned away' : 'request failed',
    quietReqLogger: true,
  };
}

type LoggedRequest = { readonly id: unknown; readonly method: string; readonly url: string };
type LoggedResponse = { readonly statusCode: number };
type Ids = {
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly correlation_id?: string;
};

/** By what a line is found with the others of its request or message. */
function idsOf(fault: unknown): Ids {
  const story = currentStory() ?? storyOf(fault);
  const span = trace.getActiveSpan()?.spanContext();
  return {
    ...(story && idsOfStory(story)),
    ...(span && { trace_id: span.traceId, span_id: span.spanId }),
  };
}

const idsOfStory = ({ traceparent, correlationId }: Story): Ids => ({
  trace_id: traceIdOf(traceparent),
  ...(correlationId !== undefined && { correlation_id: correlationId }),
});

/** The response may end outside of the request's story, so its line names the ids itself. */
function factsOf(request: IncomingMessage): Ids & { readonly problem?: string } {
  const story = storyOfRequest(request);
  if (!story) return {};
  return { ...idsOfStory(story), ...(story.problem !== undefined && { problem: story.problem }) };
}

/** What pino-http puts in place of an error when there is none but the status. */
const isMadeByLogger = (fault: Error, { statusCode }: ServerResponse): boolean =>
  fault.message === `failed with status code ${statusCode}`;

/** At most so many lines in a window of time; the others are counted. */
class LineLimit {
  private beganAt = -Infinity;
  private told = 0;
  private untold = 0;

  constructor(
    private readonly linesMax: number,
    private readonly windowMs: number,
    private readonly now: () => number,
  ) {}

  admits(): boolean {
    if (this.now() - this.beganAt >= this.windowMs) {
      this.beganAt = this.now();
      this.told = 0;
    }
    const isAdmitted = this.told < this.linesMax;
    if (isAdmitted) this.told++;
    else this.untold++;
    return isAdmitted;
  }

  takeUntold(): number {
    const { untold } = this;
    this.untold = 0;
    return untold;
  }
}
