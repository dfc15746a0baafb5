import type { ReportOutcome } from '../breaker-reporter';
import { callsOf, CallFiguresOf, type CallReport, type EndedCall } from './call-figures';

export interface CallReporterPorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly calendar: () => number;
  /** Under its id it takes effect once. Does not throw. */
  readonly send: (report: CallReport, timeoutMs: number) => Promise<ReportOutcome>;
}

/** How often {@link CallReporter.turn} is to be called. */
export const CALLS_TURN_MS = 1_000;
const REPORT_EVERY_MS = 10_000;
const OUTCOME_TIMEOUT_MS = 5_000;
const LAST_OUTCOME_TIMEOUT_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** Minutes that are older have no place any more; a report that waited for so long is only counted. */
const HEARD_WITHIN_MS = 12 * 3_600_000;

interface Unheard {
  readonly report: CallReport;
  readonly sinceMs: number;
}

/**
 * Tells the observability context how the calls of this process ended. No call waits for it. One report is
 * sent, as it was, until somebody has heard it; what ends meanwhile is counted, in bounded room.
 */
export class CallReporter {
  private readonly figures: CallFiguresOf;
  private reportNo = 0;
  private unheard: Unheard | undefined;
  private failures = 0;
  private retryAt = 0;
  private reportAt: number;

  /** @param holder Dots and all, an id that only this process has, and as long as it lives. */
  constructor(
    source: string,
    private readonly holder: string,
    private readonly ports: CallReporterPorts,
  ) {
    this.figures = new CallFiguresOf(source);
    this.reportAt = ports.now() + REPORT_EVERY_MS;
  }

  /** The next turn tells what there is. */
  hurry(): void {
    this.reportAt = 0;
    this.retryAt = 0;
  }

  ended(call: Omit<EndedCall, 'endedAtMs'>): void {
    this.figures.count({ ...call, endedAtMs: this.ports.calendar() });
  }

  async turn(): Promise<void> {
    const now = this.ports.now();
    if (this.unheard && now < this.retryAt) return;
    if (!this.unheard && now < this.reportAt) return;
    await this.tell(OUTCOME_TIMEOUT_MS);
  }

  /** Tells the rest, unless nobody listens. After the last turn has ended; takes two seconds at most. */
  async leave(): Promise<void> {
    if (this.unheard) await this.tell(LAST_OUTCOME_TIMEOUT_MS);
    if (!this.unheard) await this.tell(LAST_OUTCOME_TIMEOUT_MS);
  }

  private async tell(timeoutMs: number): Promise<void> {
    const { now, send } = this.ports;
    this.reportAt = now() + REPORT_EVERY_MS;
    this.giveUpOld();
    this.unheard ??= this.cut();
    if (!this.unheard) return;
    const { report } = this.unheard;
    const outcome = await send(report, timeoutMs);
    if (outcome === 'refused') this.figures.lose(callsOf(report));
    if (outcome !== 'unheard') this.unheard = undefined;
    this.failures = outcome === 'unheard' ? this.failures + 1 : 0;
    this.retryAt = now() + Math.min(RETRY_MS_MAX, CALLS_TURN_MS * 2 ** this.failures);
  }

  private giveUpOld(): void {
    if (!this.unheard || this.ports.now() - this.unheard.sinceMs < HEARD_WITHIN_MS) return;
    this.figures.lose(callsOf(this.unheard.report));
    this.unheard = undefined;
  }

  private cut(): Unheard | undefined {
    if (this.figures.isEmpty) return undefined;
    const report_id = `${this.holder}:${++this.reportNo}`;
    return { report: { report_id, ...this.figures.take() }, sinceMs: this.ports.now() };
  }
}
