import { trace } from '@opentelemetry/api';
import { LoggerModule } from 'nestjs-pino';
import type { IncomingMessage } from 'node:http';

/** Probes and scrapes come every few seconds and say nothing; they are not worth a line each. */
const QUIET = /^\/(health|metrics)/;

/** JSON lines on stdout, one per happening, with the trace it belongs to. */
export const logging = (service: string, level: string) =>
  LoggerModule.forRoot({
    pinoHttp: {
      level,
      base: { service, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
      mixin: () => {
        const span = trace.getActiveSpan()?.spanContext();
        return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
      },
      redact: ['req.headers.authorization', 'req.headers.cookie'],
      autoLogging: { ignore: (request: IncomingMessage) => QUIET.test(request.url ?? '') },
      customLogLevel: (_request, response, fault) =>
        fault || response.statusCode >= 500 ? 'error' : 'debug',
      quietReqLogger: true,
    },
  });
