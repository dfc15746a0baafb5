import { breakerName, type BreakerKey, type JournalBounds } from '@downbeat/resilience';
import { heldOf, type Report } from './breaker-report';
import type { BreakerView, HeldBreakers } from './held-breakers';

/** What became of a report: `unheard` ones are sent again. */
export type ReportOutcome = 'taken' | 'refused' | 'unheard';

export interface ReporterPorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Under the id it takes effect once. Does not throw. */
  readonly send: (report: Report, id: string, timeoutMs: number) => Promise<ReportOutcome>;
}

/** How often {@link BreakerReporter.turn} is to be called: a transition is told within a second. */
export const REPORT_EVERY_MS = 1_000;
/** Calls, and how those are that are not simply closed. */
const COUNTS_EVERY_MS = 60_000;
/** How all of them are, whatever they are. */
const ALL_EVERY_MS = 300_000;
const OUTCOME_TIMEOUT_MS = 5_000;
const LAST_OUTCOME_TIMEOUT_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** Of those that changed, and of those whose turn it is: neither puts off the others. */
const BREAKERS_MAX = 50;
/** In one report, of all breakers together. */
const ROOM: JournalBounds = { transitions: 200, intervals: 400 };

/**
 * Tells the health context what the breakers of this process do. Calls never wait for it: what
 * cannot be told stays in the bounded journal, and a report that nobody has answered is sent again
 * as it was, under its number, until somebody does.
 */
export class BreakerReporter {
  private reportNo = 0;
  private unheard: Report | undefined;
  /** Of whom the round under way has still to tell, by name: a report has room for some of them. */
  private readonly due = new Map<string, BreakerKey>();
  private failures = 0;
  private retryAt = 0;
  private countsAt: number;
  private allAt: number;

  /** @param holder The same for as long as this process lives, and no other's. */
  constructor(
    private readonly breakers: HeldBreakers,
    private readonly holder: string,
    private readonly ports: ReporterPorts,
  ) {
    const now = ports.now();
    this.countsAt = now + COUNTS_EVERY_MS;
    this.allAt = now + ALL_EVERY_MS;
  }

  /** Tells in the next turn what there is to tell. */
  hurry(): void {
    this.countsAt = 0;
    this.retryAt = 0;
  }

  /** Tells what there is to be told by now. @returns Whether there is more. */
  async turn(): Promise<boolean> {
    const now = this.ports.now();
    this.breakers.advance();
    if (this.unheard && now < this.retryAt) return false;
    this.unheard ??= this.next(now);
    // Whoever told nothing has nothing more to tell.
    if (!this.unheard) return false;
    await this.send(this.unheard, OUTCOME_TIMEOUT_MS);
    return !this.unheard && (this.due.size > 0 || this.breakers.changed().length > 0);
  }

  /** Says goodbye, unless nobody listens. After the last turn has ended; takes a second, or two. */
  async leave(): Promise<void> {
    if (this.unheard) await this.send(this.unheard, LAST_OUTCOME_TIMEOUT_MS);
    if (this.unheard || this.reportNo === 0) return;
    this.breakers.advance();
    this.beginRound(true);
    const { now } = this.ports;
    const untilMs = now() + LAST_OUTCOME_TIMEOUT_MS;
    while (!this.unheard) {
      const leftMs = untilMs - now();
      const last = leftMs > 0 ? this.report(true) : undefined;
      if (!last) return;
      await this.send(last, leftMs);
    }
  }

  private next(now: number): Report | undefined {
    const isAll = now >= this.allAt;
    if (isAll || now >= this.countsAt) {
      this.beginRound(isAll);
      this.countsAt = now + COUNTS_EVERY_MS;
    }
    if (isAll) this.allAt = now + ALL_EVERY_MS;
    return this.report(false);
  }

  /** Each of them is told of, in as many reports as that takes. */
  private beginRound(isAll: boolean): void {
    for (const key of this.breakers.untold()) this.due.set(breakerName(key), key);
    for (const view of this.breakers.views())
      if (isAll || !isPlain(view)) this.due.set(breakerName(view.key), view.key);
  }

  private report(isLeaving: boolean): Report | undefined {
    const { breakers, due, holder } = this;
    const held: Report['breakers'] = [];
    let room: JournalBounds = ROOM;
    for (const [name, key] of this.nextKeys()) {
      const news = breakers.take(key, room);
      held.push(heldOf(breakers.view(key), news, breakers.calendarOffsetMs));
      room = {
        transitions: room.transitions - news.transitions.length,
        intervals: room.intervals - news.intervals.length,
      };
      // It may have more: its turn is not over.
      if (room.intervals === 0) break;
      due.delete(name);
    }
    if (held.length === 0) return undefined;
    const report_no = ++this.reportNo;
    return { holder, report_no, breakers: held, is_leaving: isLeaving };
  }

  private nextKeys(): ReadonlyMap<string, BreakerKey> {
    const changed = new Map(this.breakers.changed().map((key) => [breakerName(key), key]));
    return new Map([...first(changed), ...first(this.due)]);
  }

  private async send(report: Report, timeoutMs: number): Promise<void> {
    const { now, send } = this.ports;
    const outcome = await send(report, `${report.holder}:${report.report_no}`, timeoutMs);
    this.unheard = outcome === 'unheard' ? report : undefined;
    this.failures = outcome === 'unheard' ? this.failures + 1 : 0;
    this.retryAt = now() + Math.min(RETRY_MS_MAX, REPORT_EVERY_MS * 2 ** this.failures);
  }
}

const first = (some: ReadonlyMap<string, BreakerKey>) => [...some].slice(0, BREAKERS_MAX);

const isPlain = ({ state, mode }: BreakerView): boolean =>
  state === 'closed' && mode === 'automatic';
