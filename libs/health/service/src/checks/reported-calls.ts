import { healthContract, validate, type DataOf } from '@downbeat/contracts';
import { epochMs, Rejection, type Instant } from '@downbeat/eventsourcing';
import type { CallEvidence } from '@downbeat/health-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const { CALLS_HINT, reportCalls } = healthContract;
type Report = DataOf<typeof reportCalls>;

/** What is told later than that says nothing about now. Clocks of machines may differ as much. */
const STALE_MS = 10_000;
const REPORTERS_MAX = 1_000;

export type OnCalls = (instanceId: string, evidence: CallEvidence) => void;

/** Hears what callers report, each report once. */
@Injectable()
export class ReportedCalls {
  /** When each reporter's last report was; the one heard of longest ago is forgotten first. */
  private readonly last = new Map<string, number>();

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
  ) {}

  /** @returns Ends it. */
  listen(onCalls: OnCalls): () => void {
    return this.bus.onHint(CALLS_HINT, (payload) => {
      const report = validate(reportCalls.data, payload);
      if (!(report instanceof Rejection)) this.hear(report.value, onCalls);
    });
  }

  private hear({ reporter, reported_at, window_ms, instances }: Report, onCalls: OnCalls): void {
    const at = epochMs(reported_at as Instant);
    if (Math.abs(this.clock.now() - at) > STALE_MS) return;
    if (at <= (this.last.get(reporter) ?? -Infinity)) return;
    this.note(reporter, at);
    for (const { instance_id, ...counts } of instances)
      onCalls(instance_id, { ...counts, window_ms });
  }

  private note(reporter: string, at: number): void {
    this.last.delete(reporter);
    this.last.set(reporter, at);
    const [oldest] = this.last.keys();
    if (this.last.size > REPORTERS_MAX && oldest !== undefined) this.last.delete(oldest);
  }
}
