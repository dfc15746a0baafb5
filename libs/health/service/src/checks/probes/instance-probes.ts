import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { GrpcProbe } from './grpc-probe';
import { HttpProbe } from './http-probe';
import { NatsProbe } from './nats-probe';
import type { Probe } from './probe';
import { TcpProbe } from './tcp-probe';

/** Every way to ask an instance. */
@Injectable()
export class InstanceProbes implements Probe {
  private readonly byKind: Readonly<Record<CheckRequest['kind'], Probe>>;

  constructor(http: HttpProbe, tcp: TcpProbe, nats: NatsProbe, grpc: GrpcProbe) {
    this.byKind = { http, tcp, nats, grpc };
  }

  run(request: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined> {
    return this.byKind[request.kind].run(request, timeoutMs);
  }
}
