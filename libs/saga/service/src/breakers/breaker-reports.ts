import { commandSubject, healthContract } from '@downbeat/contracts';
import { MessageBus } from '@downbeat/message-bus';
import type { JournalPage } from '@downbeat/resilience';
import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { Admission } from '../admission/admission';
import { heldOf, type Report } from './breaker-report';
import type { BreakerView } from './held-breakers';

/** A transition is told within a second. */
const LOOK_EVERY_MS = 1_000;
/** Calls, and how those are that are not simply closed. */
const COUNTS_EVERY_MS = 60_000;
/** How all of them are, whatever they are. */
const ALL_EVERY_MS = 300_000;
const OUTCOME_TIMEOUT_MS = 5_000;
const LAST_OUTCOME_TIMEOUT_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** Of one breaker, in one report. */
const ORDERS_MAX = 20;
const BOUNDS = { breakers: 50, transitions: 200, intervals: 400 } as const;

/**
 * Tells the health context what the breakers of this process do. Calls never wait for it: what
 * cannot be told stays in the bounded journal, and a report that nobody has answered is sent again
 * as it was, under its number, until somebody does.
 */
@Injectable()
export class BreakerReports {
  private readonly logger = new Logger(BreakerReports.name);
  private readonly telling = new Periodic('telling of breakers', LOOK_EVERY_MS, () => this.turn());
  private holder = '';
  private reportNo = 0;
  private unheard: Report | undefined;
  private failures = 0;
  private retryAt = 0;
  private countsAt = 0;
  private allAt = 0;

  constructor(
    private readonly admission: Admission,
    private readonly bus: MessageBus,
  ) {}

  /** @param holder The same for as long as this process lives. */
  start(holder: string): void {
    this.holder = holder;
    const now = performance.now();
    this.countsAt = now + COUNTS_EVERY_MS;
    this.allAt = now + ALL_EVERY_MS;
    this.telling.start();
  }

  /** Tells at once what there is to tell. */
  hurry(): void {
    this.countsAt = 0;
    this.retryAt = 0;
    this.telling.hurry();
  }

  /** Says goodbye, unless nobody listens. */
  async stop(): Promise<void> {
    await this.telling.stop();
    if (this.unheard) await this.send(LAST_OUTCOME_TIMEOUT_MS);
    if (this.unheard || this.reportNo === 0) return;
    this.unheard = this.report({ isAll: true, isLeaving: true });
    await this.send(LAST_OUTCOME_TIMEOUT_MS);
  }

  private async turn(): Promise<void> {
    const now = performance.now();
    this.admission.breakers.advance();
    if (this.unheard && now < this.retryAt) return;
    this.unheard ??= this.next(now);
    if (this.unheard) await this.send(OUTCOME_TIMEOUT_MS);
    if (!this.unheard && this.admission.breakers.hasNews) this.telling.hurry();
  }

  /** What there is to be told by now, if anything. */
  private next(now: number): Report | undefined {
    const isAll = now >= this.allAt;
    const isDue = isAll || now >= this.countsAt;
    if (!isDue && !this.admission.breakers.hasNews) return undefined;
    if (isDue) this.countsAt = now + COUNTS_EVERY_MS;
    if (isAll) this.allAt = now + ALL_EVERY_MS;
    return this.report({ isAll });
  }

  private report({ isAll = false, isLeaving = false }): Report | undefined {
    const { breakers } = this.admission;
    const pages = breakers.take(BOUNDS);
    const told = new Set(pages.map(({ key }) => key.target));
    const obedient = breakers.obedient();
    const others = breakers
      .views()
      .filter((view) => !told.has(view.key.target))
      .filter((view) => isAll || !isPlain(view) || obedient.has(view.key.target))
      .slice(0, BOUNDS.breakers);
    for (const { key } of others) told.add(key.target);
    const done = breakers.takeCarriedOut(told, ORDERS_MAX);
    const heldWith = (view: BreakerView, page: Omit<JournalPage, 'key'>) => {
      const carriedOut = done.filter(({ target }) => target === view.key.target);
      return heldOf(view, page, carriedOut, breakers.calendarOffsetMs);
    };
    const held = [
      ...pages.map((page) => heldWith(this.viewOf(page), page)),
      ...others.map((view) => heldWith(view, NOTHING_NEW)),
    ];
    if (held.length === 0) return undefined;
    this.reportNo++;
    return {
      holder: this.holder,
      report_no: this.reportNo,
      breakers: held,
      is_leaving: isLeaving,
    };
  }

  /** Of one that is gone meanwhile: as if it had been made anew. */
  private viewOf({ key }: JournalPage): BreakerView {
    const { breakers } = this.admission;
    return breakers.view(key.target) ?? breakers.untouched(key);
  }

  private async send(timeoutMs: number): Promise<void> {
    const report = this.unheard;
    if (!report) return;
    const { holder, report_no } = report;
    const subject = commandSubject(healthContract.reportBreakers, holder);
    const options = { id: `${holder}:${report_no}`, actor: 'saga-engine', timeoutMs };
    try {
      const outcome = await this.bus.command(subject, report, options);
      if (outcome.accepted || outcome.problem.kind !== 'unavailable') this.unheard = undefined;
      if (!outcome.accepted)
        this.logger.warn({ problem: outcome.problem, report_no }, 'a report was not taken');
      this.failures = this.unheard ? this.failures + 1 : 0;
    } catch (fault) {
      if (!(fault instanceof Error)) throw fault;
      this.failures++;
      this.logger.debug({ err: fault, report_no }, 'nobody hears of the breakers');
    }
    this.retryAt = performance.now() + Math.min(RETRY_MS_MAX, LOOK_EVERY_MS * 2 ** this.failures);
  }
}

const NOTHING_NEW = { transitions: [], lost: 0, intervals: [] } as const;

const isPlain = ({ state, mode }: BreakerView): boolean =>
  state === 'closed' && mode === 'automatic';
