import { Egress } from '@downbeat/egress';
import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { failedBy, type Probe } from './probe';

/** Whether somebody takes connections there. Nothing is sent. */
@Injectable()
export class TcpProbe implements Probe {
  constructor(private readonly egress: Egress) {}

  async run({ url }: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined> {
    try {
      const socket = await this.egress.connect(url, timeoutMs);
      socket.on('error', () => undefined).destroy();
      return { isPassed: true, detail: 'connected' };
    } catch (fault) {
      return failedBy(fault);
    }
  }
}
