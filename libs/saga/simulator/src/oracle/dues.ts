import { epochMs, type Instant } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';

/** When what a run waits for is due, by its events: in a pause no time passes. */
export class Dues {
  private readonly dues = new Map<string, number>();
  private pausedSince: number | undefined;

  /** To be told of every event, before its timers are. */
  take({ type, data }: RunEvent): void {
    if (type === 'WorkflowPaused') this.pausedSince = epochMs(data.at);
    if (type !== 'WorkflowResumed') return;
    this.pausedSince = undefined;
    for (const [timer, due] of this.dues) this.dues.set(timer, due + data.paused_ms);
  }

  /** @param at When it was set; in a pause what is left of it begins when the pause did. */
  set(timer: string, due: Instant, at: Instant): void {
    const { pausedSince = epochMs(at) } = this;
    this.dues.set(timer, epochMs(due) - Math.max(0, epochMs(at) - pausedSince));
  }

  /** Not waited for any more, whether it came or not. */
  over(timer: string): number | undefined {
    const due = this.dues.get(timer);
    this.dues.delete(timer);
    return due;
  }

  /** Nothing comes while a run is paused, so nothing that was late already is late for that. */
  notBefore(now: number): void {
    for (const [timer, due] of this.dues) this.dues.set(timer, Math.max(due, now));
  }
}
