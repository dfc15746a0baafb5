import { Egress } from '@downbeat/egress';
import { Fault } from '@downbeat/eventsourcing';
import type { CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';

const BODY_BYTES_MAX = 65_536;

/** Asks an instance whether it works: any 2xx answer within the time-out says yes. */
@Injectable()
export class HttpCheck {
  constructor(private readonly egress: Egress) {}

  async run(url: string, timeoutMs: number): Promise<CheckResult> {
    try {
      const { status } = await this.egress.request({
        url,
        method: 'GET',
        headers: { 'user-agent': 'downbeat-health', accept: '*/*' },
        timeoutMs,
        bytesMax: BODY_BYTES_MAX,
      });
      return { isPassed: status >= 200 && status < 300, detail: `HTTP ${status}` };
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return { isPassed: false, detail: fault.message.slice(0, 300) };
    }
  }
}
