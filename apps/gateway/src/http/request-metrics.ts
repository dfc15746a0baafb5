import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Counter, Histogram, register } from 'prom-client';

const UNMATCHED = 'unmatched';

/** Counts and times requests in the default registry, by route template, so that ids never become labels. */
@Injectable()
export class RequestMetrics {
  private readonly requests = metric(
    'http_requests_total',
    (name) =>
      new Counter({
        name,
        help: 'Answered requests by method, route and status',
        labelNames: ['method', 'route', 'status'] as const,
      }),
  );
  private readonly seconds = metric(
    'http_request_duration_seconds',
    (name) =>
      new Histogram({
        name,
        help: 'Time from the head of the request to the end of the answer',
        labelNames: ['method', 'route'] as const,
        buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      }),
  );

  observe(request: Request, response: Response): void {
    const startedAt = process.hrtime.bigint();
    response.once('close', () => {
      const { method } = request;
      const route = routeOf(request);
      this.requests.inc({ method, route, status: String(response.statusCode) });
      this.seconds.observe({ method, route }, Number(process.hrtime.bigint() - startedAt) / 1e9);
    });
  }
}

const routeOf = (request: Request): string => {
  const route = request.route as { readonly path?: unknown } | undefined;
  // What has a wildcard is no route: it is where middleware was put.
  return typeof route?.path === 'string' && !route.path.includes('*') ? route.path : UNMATCHED;
};

/** A second module in one process (tests, the suite in one process) counts on in the same metric. */
const metric = <Kind extends Counter<string> | Histogram<string>>(
  name: string,
  create: (name: string) => Kind,
): Kind => (register.getSingleMetric(name) as Kind | undefined) ?? create(name);
