import {
  BreakerReporter,
  REPORT_EVERY_MS,
  type Report,
  type ReportOutcome,
} from '@downbeat/breakers';
import { commandSubject, healthContract } from '@downbeat/contracts';
import { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { Admission } from '../admission/admission';

/** Tells the health context what the breakers of this process do. */
@Injectable()
export class BreakerReports {
  private readonly logger = new Logger(BreakerReports.name);
  private readonly telling = new Periodic('telling of breakers', REPORT_EVERY_MS, () =>
    this.turn(),
  );
  private reporter: BreakerReporter | undefined;

  constructor(
    private readonly admission: Admission,
    private readonly bus: MessageBus,
  ) {}

  /** @param holder The same for as long as this process lives. */
  start(holder: string): void {
    this.reporter = new BreakerReporter(this.admission.breakers, holder, {
      now: () => performance.now(),
      send: (report, id, timeoutMs) => this.send(report, id, timeoutMs),
    });
    this.telling.start();
  }

  /** Tells at once what there is to tell. */
  hurry(): void {
    this.reporter?.hurry();
    this.telling.hurry();
  }

  /** Says goodbye, unless nobody listens. */
  async stop(): Promise<void> {
    await this.telling.stop();
    await this.reporter?.leave();
  }

  private async turn(): Promise<void> {
    if (await this.reporter?.turn()) this.telling.hurry();
  }

  private async send(report: Report, id: string, timeoutMs: number): Promise<ReportOutcome> {
    const { holder, report_no } = report;
    const subject = commandSubject(healthContract.reportBreakers, holder);
    try {
      const outcome = await this.bus.command(subject, report, {
        id,
        actor: 'saga-engine',
        timeoutMs,
      });
      if (outcome.accepted) return 'taken';
      this.logger.warn({ problem: outcome.problem, report_no }, 'a report was not taken');
      return outcome.problem.kind === 'unavailable' ? 'unheard' : 'refused';
    } catch (fault) {
      if (!(fault instanceof Error)) throw fault;
      this.logger.debug({ err: fault, report_no }, 'nobody hears of the breakers');
      return 'unheard';
    }
  }
}
