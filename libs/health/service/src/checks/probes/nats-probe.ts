import { judgeBody, type CheckRequest, type CheckResult } from '@downbeat/health-domain';
import { BusUnavailable, InvalidSubject, MessageBus, NoAnswer } from '@downbeat/message-bus';
import { Injectable } from '@nestjs/common';
import { CheckedSubjects } from './checked-subjects';
import type { Probe } from './probe';

/** How NATS services say that a request failed (NATS ADR-32). */
const ERROR_CODE = 'Nats-Service-Error-Code';

const failed = (detail: string): CheckResult => ({ isPassed: false, detail });

/** Asks on the subject the instance named; any reply that is no error says yes. */
@Injectable()
export class NatsProbe implements Probe {
  constructor(
    private readonly bus: MessageBus,
    private readonly subjects: CheckedSubjects,
  ) {}

  async run(
    { subject, expectedBody }: CheckRequest,
    timeoutMs: number,
  ): Promise<CheckResult | undefined> {
    if (subject === undefined) return failed('it named no subject to be asked on');
    const refusal = this.subjects.refusalOf(subject);
    if (refusal !== undefined) return failed(refusal);
    try {
      const { headers, body } = await this.bus.request(subject, '{}', { timeoutMs });
      const code = headers[ERROR_CODE];
      if (code !== undefined) return failed(`it replied with error ${code}`.slice(0, 300));
      return expectedBody ? judgeBody(expectedBody, body) : { isPassed: true, detail: 'replied' };
    } catch (fault) {
      // It is we who are not connected.
      if (fault instanceof BusUnavailable) return undefined;
      if (fault instanceof InvalidSubject) return failed(fault.message);
      if (!(fault instanceof NoAnswer)) throw fault;
      return failed(
        fault.why === 'nobody-answers'
          ? `nobody listens on ${subject}`
          : `no reply within ${timeoutMs} ms`,
      );
    }
  }
}
