import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { inSpan } from '@downbeat/message-bus';
import { DebugLogs, type Tell } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CallMetrics } from '../metering/call-metrics';
import { CallReports } from './call-reports';
import { endedCall } from './ended-call';
import { HttpTarget } from './http-target';
import { NatsTarget } from './nats-target';
import { isWell, TargetCaller, type CallContext } from './target-caller';

/** Over HTTP or over NATS, as the step's endpoint says. */
@Injectable()
export class Targets extends TargetCaller {
  private readonly tell: Tell | undefined;

  constructor(
    private readonly http: HttpTarget,
    private readonly nats: NatsTarget,
    private readonly reports: CallReports,
    private readonly metrics: CallMetrics,
    debugLogs: DebugLogs,
  ) {
    super();
    this.tell = debugLogs.of('downbeat:saga:calls');
  }

  async call(effect: CallEffect, context: CallContext): Promise<CallResult | undefined> {
    const beganMs = performance.now();
    const result = await this.callTraced(effect, context);
    const endedAfterMs = performance.now() - beganMs;
    if (result) this.reports.ended(endedCall(effect, result, endedAfterMs));
    this.metrics.made(effect, result, beganMs, context.traceparent);
    if (!this.tell) return result;
    const ms = Math.round(endedAfterMs);
    this.tell(
      { ...factsOf(effect), result: result?.kind ?? 'not sent', ms },
      'a service was called',
    );
    return result;
  }

  /** A span of the trace of the run; whoever is called goes on from there. */
  private callTraced(effect: CallEffect, context: CallContext): Promise<CallResult | undefined> {
    const { service_name, step, attempt } = effect;
    const target = effect.endpoint.startsWith('nats:') ? this.nats : this.http;
    const facts = {
      ...({ traceparent: context.traceparent, kind: 'client', failureOf } as const),
      attributes: {
        'downbeat.step': 'call',
        'peer.service': service_name,
        'downbeat.workflow.step': step,
        'downbeat.attempt': attempt,
      },
    };
    return inSpan(`call ${service_name}`, facts, (traceparent) =>
      target.call(effect, { ...context, traceparent }),
    );
  }
}

const failureOf = (result: unknown): string | undefined =>
  result === undefined || isWell(result as CallResult) ? undefined : (result as CallResult).kind;

/** Never its input, and of its path no query: whoever reads the log is not who may read those. */
const factsOf = ({ key, step, attempt, purpose, service_name, method, endpoint }: CallEffect) => ({
  key,
  step,
  attempt,
  purpose,
  service_name,
  method,
  endpoint: endpoint.split('?', 1)[0],
});
