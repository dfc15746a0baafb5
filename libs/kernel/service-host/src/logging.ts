import { trace } from '@opentelemetry/api';
import { LoggerModule } from 'nestjs-pino';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Options } from 'pino-http';

/** Probes and scrapes come every few seconds and say nothing; they are not worth a line each. */
const QUIET = /^\/(health|metrics)/;

/** JSON lines on stdout, one per happening, with the trace it belongs to. */
export const logging = (service: string, level: string) =>
  LoggerModule.forRoot({ pinoHttp: httpLogging(service, level) });

/** Requests are told by method, URL and status: headers hold secrets, and a line of them says little. */
export const httpLogging = (service: string, level: string): Options => ({
  level,
  base: { service, pid: process.pid },
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label: string) => ({ level: label }) },
  mixin: () => {
    const span = trace.getActiveSpan()?.spanContext();
    return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
  },
  serializers: {
    req: ({ id, method, url }: LoggedRequest) => ({ id, method, url }),
    res: ({ statusCode }: LoggedResponse) => ({ statusCode }),
  },
  autoLogging: { ignore: (request: IncomingMessage) => QUIET.test(request.url ?? '') },
  customLogLevel: (_request, response, fault) => levelOf(response, fault),
  quietReqLogger: true,
});

type LoggedRequest = { readonly id: unknown; readonly method: string; readonly url: string };
type LoggedResponse = { readonly statusCode: number };

/** "Come back later" is what a busy or starting process is meant to say. */
function levelOf(
  { statusCode }: ServerResponse,
  fault: Error | undefined,
): 'error' | 'warn' | 'debug' {
  if (statusCode === 503) return 'warn';
  return fault || statusCode >= 500 ? 'error' : 'debug';
}
