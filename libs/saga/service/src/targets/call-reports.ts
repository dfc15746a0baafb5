import { CallReporter, CALLS_TURN_MS, type CallReport, type EndedCall } from '@downbeat/breakers';
import { commandSubjectOfAny, observabilityContract } from '@downbeat/contracts';
import { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { BREAKER_SOURCE } from '../admission/admission';

const { recordCalls } = observabilityContract;

/** Tells the observability context which services this process called, and how that went. */
@Injectable()
export class CallReports {
  private readonly logger = new Logger(CallReports.name);
  private readonly telling = new Periodic('telling of calls', CALLS_TURN_MS, async () =>
    this.reporter?.turn(),
  );
  private reporter: CallReporter | undefined;

  constructor(private readonly bus: MessageBus) {}

  /** @param holder The same for as long as this process lives. */
  start(holder: string): void {
    this.reporter = new CallReporter(BREAKER_SOURCE, holder, {
      now: () => performance.now(),
      calendar: Date.now,
      send: (report, timeoutMs) => this.send(report, timeoutMs),
    });
    this.telling.start();
  }

  ended(call: Omit<EndedCall, 'endedAtMs'>): void {
    this.reporter?.ended(call);
  }

  /** Tells the rest, unless nobody listens. */
  async stop(): Promise<void> {
    await this.telling.stop();
    await this.reporter?.leave();
  }

  private async send(report: CallReport, timeoutMs: number) {
    const { report_id: id } = report;
    try {
      const outcome = await this.bus.command(commandSubjectOfAny(recordCalls, id), report, {
        id,
        actor: 'saga-engine',
        timeoutMs,
      });
      if (outcome.accepted) return 'taken';
      if (outcome.problem.kind === 'unavailable') return 'unheard';
      this.logger.warn({ problem: outcome.problem }, 'figures of calls were not taken');
      return 'refused';
    } catch (fault) {
      if (!(fault instanceof Error)) throw fault;
      this.logger.debug({ err: fault }, 'nobody hears of calls');
      return 'unheard';
    }
  }
}
