import { HostMetrics } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';

/** Counts what exporters are answered. */
@Injectable()
export class SpanMetrics {
  private readonly requests: Counter<'status'>;

  constructor({ registry }: HostMetrics) {
    this.requests = new Counter({
      registers: [registry],
      name: 'downbeat_observability_span_requests_total',
      help: 'Requests that brought spans, by the status they were answered with',
      labelNames: ['status'],
    });
  }

  answered(status: number): void {
    this.requests.inc({ status: String(status) });
  }
}
