import { Durations } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Counter, Gauge, Registry } from 'prom-client';
import { contextOf } from './request-context';

const UNMATCHED = 'unmatched';

/** Counts and times requests, by route template, so that ids never become labels. */
@Injectable()
export class RequestMetrics {
  private readonly underWay = new Set<Request>();
  private readonly requests: Counter<'method' | 'route' | 'status'>;
  private readonly durations: Durations<'method' | 'route'>;

  constructor(registry: Registry) {
    const { underWay } = this;
    const registers = [registry];
    this.requests = new Counter({
      registers,
      name: 'http_requests_total',
      help: 'Answered requests by method, route and status',
      labelNames: ['method', 'route', 'status'],
    });
    this.durations = new Durations(registry, {
      name: 'http_request_duration_seconds',
      help: 'Time from the head of the request to the end of the answer',
      labelNames: ['method', 'route'],
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
      const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
      this.durations.tookMs({ method, route }, ms, contextOf(request).traceparent);
    });
  }
}

const routeOf = (request: Request): string => {
  const route = request.route as { readonly path?: unknown } | undefined;
  // What has a wildcard is no route: it is where middleware was put.
  return typeof route?.path === 'string' && !route.path.includes('*') ? route.path : UNMATCHED;
};
