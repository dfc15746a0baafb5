import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Durations, HostMetrics } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';

/** Counts and times the checks of this process, by the way an instance is asked. */
@Injectable()
export class CheckMetrics {
  private readonly checks: Counter<'kind' | 'outcome'>;
  private readonly durations: Durations<'kind'>;

  constructor({ registry }: HostMetrics) {
    this.checks = new Counter({
      registers: [registry],
      name: 'downbeat_health_checks_total',
      help: 'Checks of instances: passed, failed, or unsaid when nothing can be said',
      labelNames: ['kind', 'outcome'],
    });
    this.durations = new Durations(registry, {
      name: 'downbeat_health_check_duration_seconds',
      help: 'From asking an instance to its answer, or to the end of its time-out',
      labelNames: ['kind'],
    });
  }

  run({ kind }: CheckRequest, result: CheckResult | undefined, beganMs: number): void {
    const outcome = result === undefined ? 'unsaid' : result.isPassed ? 'passed' : 'failed';
    this.checks.inc({ kind, outcome });
    this.durations.tookMs({ kind }, performance.now() - beganMs);
  }
}
