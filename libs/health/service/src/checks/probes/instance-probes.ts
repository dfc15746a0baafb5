import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { DebugLogs, type Tell } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { CheckMetrics } from '../../metering/check-metrics';
import { GrpcProbe } from './grpc-probe';
import { HttpProbe } from './http-probe';
import { NatsProbe } from './nats-probe';
import type { Probe } from './probe';
import { TcpProbe } from './tcp-probe';

/** Every way to ask an instance. */
@Injectable()
export class InstanceProbes implements Probe {
  private readonly byKind: Readonly<Record<CheckRequest['kind'], Probe>>;

  private readonly tell: Tell | undefined;

  constructor(
    http: HttpProbe,
    tcp: TcpProbe,
    nats: NatsProbe,
    grpc: GrpcProbe,
    private readonly metrics: CheckMetrics,
    debugLogs: DebugLogs,
  ) {
    this.byKind = { http, tcp, nats, grpc };
    this.tell = debugLogs.of('downbeat:health:checks');
  }

  async run(request: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined> {
    const { kind, url, subject } = request;
    const { tell } = this;
    const beganMs = performance.now();
    const result = await this.byKind[kind].run(request, timeoutMs);
    this.metrics.run(request, result, beganMs);
    if (!tell) return result;
    const ms = Math.round(performance.now() - beganMs);
    const passed = result?.isPassed ?? 'not asked';
    tell({ kind, url: url.split('?', 1)[0], subject, passed, ms }, 'a check was run');
    return result;
  }
}
