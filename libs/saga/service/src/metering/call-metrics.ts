import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { Durations, HostMetrics } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';

/** Counts and times the calls of this process to services; by no name that a user has given. */
@Injectable()
export class CallMetrics {
  private readonly calls: Counter<'purpose' | 'transport' | 'result'>;
  private readonly durations: Durations<'purpose' | 'transport'>;

  constructor({ registry }: HostMetrics) {
    this.calls = new Counter({
      registers: [registry],
      name: 'downbeat_saga_calls_total',
      help: 'Calls to services: ok, the class of the status, or why there was no answer',
      labelNames: ['purpose', 'transport', 'result'],
    });
    this.durations = new Durations(registry, {
      name: 'downbeat_saga_call_duration_seconds',
      help: 'From sending a call to its answer, or to the end of its time-out',
      labelNames: ['purpose', 'transport'],
    });
  }

  /** @param result Undefined: nothing was sent. */
  made(
    { purpose, endpoint }: CallEffect,
    result: CallResult | undefined,
    beganMs: number,
    traceparent: string | undefined,
  ): void {
    if (!result) return;
    const labels = { purpose, transport: endpoint.startsWith('nats:') ? 'nats' : 'http' };
    this.calls.inc({ ...labels, result: resultOf(result) });
    this.durations.tookMs(labels, performance.now() - beganMs, traceparent);
  }
}

function resultOf(result: CallResult): string {
  if (result.kind !== 'answer') return result.kind;
  return `${Math.floor(result.status / 100)}xx`;
}
