import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const UNMATCHED = 'unmatched';

/** Counts and times requests, by route template, so that ids never become labels. */
@Injectable()
export class RequestMetrics {
  private readonly underWay = new Set<Request>();
  private readonly requests: Counter<'method' | 'route' | 'status'>;
  private readonly seconds: Histogram<'method' | 'route'>;

  constructor(registry: Registry) {
    const { underWay } = this;
    const registers = [registry];
    this.requests = new Counter({
      registers,
      name: 'http_requests_total',
      help: 'Answered requests by method, route and status',
      labelNames: ['method', 'route', 'status'],
    });
    this.seconds = new Histogram({
      registers,
      name: 'http_request_duration_seconds',
      help: 'Time from the head of the request to the end of the answer',
      labelNames: ['method', 'route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    });
    new Gauge({
      registers,
      name: 'http_requests_under_way',
      help: 'Requests whose answer has not ended; those of the stream are its open connections',
      labelNames: ['method', 'route'],
      collect() {
        this.reset();
        for (const request of underWay)
          this.inc({ method: request.method, route: routeOf(request) });
      },
    });
  }

  observe(request: Request, response: Response): void {
    const startedAt = process.hrtime.bigint();
    this.underWay.add(request);
    response.once('close', () => {
      this.underWay.delete(request);
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
