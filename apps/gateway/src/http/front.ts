import { tellRequest } from '@downbeat/service-host';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { problemOfHead } from './limits';
import { problemReply } from './problems';
import { send } from './reply';
import { contextOf } from './request-context';
import { RequestMetrics } from './request-metrics';

/** What every answer carries, that of health and metrics too. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Runs before every route: limits, ids, headers, measurement, and the story that log lines belong to. */
@Injectable()
export class Front implements NestMiddleware {
  constructor(private readonly metrics: RequestMetrics) {}

  use(request: Request, response: Response, next: NextFunction): void {
    const context = contextOf(request);
    this.metrics.observe(request, response);
    response.removeHeader('X-Powered-By');
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.setHeader('X-Correlation-ID', context.correlationId);

    const problem = problemOfHead(request);
    if (problem) return send(response, problemReply(problem, context));
    const { traceparent } = context;
    const story = {
      traceparent,
      // A command may bring a better one, and the answer says so.
      get correlationId() {
        return String(response.getHeader('X-Correlation-ID'));
      },
    };
    tellRequest(request, response, story, next);
  }
}
