import { Egress } from '@downbeat/egress';
import { judgeHttp, type CheckRequest, type CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { Replicas } from '../../sharing/replicas';
import { failedBy, type Probe } from './probe';

const BODY_BYTES_MAX = 65_536;

/** Asks over HTTP. Redirects are answers like others: they are not followed. */
@Injectable()
export class HttpProbe implements Probe {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    private readonly egress: Egress,
    { id }: Replicas,
  ) {
    // Whoever is asked by two replicas can see it.
    this.headers = { 'user-agent': `downbeat-health/${id}`, accept: '*/*' };
  }

  async run(request: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined> {
    try {
      const { status, body } = await this.egress.request({
        url: request.url,
        method: 'GET',
        headers: this.headers,
        timeoutMs,
        bytesMax: BODY_BYTES_MAX,
      });
      return judgeHttp(request, status, body);
    } catch (fault) {
      return failedBy(fault);
    }
  }
}
