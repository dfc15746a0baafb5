import type { EventStore } from '@downbeat/event-store';
import { epochMs, Rejection, type Instant } from '@downbeat/eventsourcing';
import {
  definitionPaused,
  nextDueAt,
  schedule,
  scheduleStream,
  type PendingOccurrence,
  type Schedule,
  type ScheduleCommand,
  type ScheduleEvent,
  type SchedulePlan,
} from '@downbeat/saga-domain';
import type { Clock } from '@downbeat/service-host';
import { Timers } from '../engine/timers';
import { Ledger } from '../ledger';
import type { ScheduleSnapshots } from './schedule-snapshots';
import type { ScheduledRuns } from './scheduled-runs';

const AT_ONCE_MAX = 8;
const TRY_AGAIN_MS = 1_000;
const ACTOR = 'saga-schedules';
const DEFINITION_PAUSED = definitionPaused('').code;

type ScheduleLedger = Ledger<Schedule, ScheduleCommand, ScheduleEvent>;

export interface KeeperPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly runs: Pick<ScheduledRuns, 'start' | 'endOf' | 'isPaused'>;
  readonly snapshots: Pick<ScheduleSnapshots, 'of'>;
  /** Calls back when the run may have ended, until it is unsubscribed. May miss it. */
  readonly onEnd: (correlationId: string, listener: () => void) => () => void;
  readonly onFault: (name: string, fault: unknown) => void;
}

/** What is known of a schedule from the read model. */
export interface KnownSchedule {
  readonly name: string;
  readonly next_due_at: Instant | null;
  readonly is_pending: boolean;
}

/**
 * Starts what has come due. Everything it does is decided and recorded in the stream of the schedule
 * first, so that it may die anywhere, and two of them do no harm.
 */
export class ScheduleKeeper {
  private readonly ledgers = new Map<string, ScheduleLedger>();
  private readonly timers: Timers;
  /** Names to look after, each once, and those that are being looked after. */
  private readonly waiting = new Set<string>();
  private readonly inWork = new Map<string, Promise<void>>();
  /** By name: how to hear no more of the run that the next occurrence waits for. */
  private readonly listening = new Map<string, () => void>();
  private isStopped = false;

  constructor(private readonly ports: KeeperPorts) {
    this.timers = new Timers(ports.clock, (name) => this.attend(name));
  }

  /** These are all there are: looks after what is due or pending, and sleeps until the rest is. */
  know(schedules: readonly KnownSchedule[]): void {
    const names = new Set(schedules.map(({ name }) => name));
    for (const name of this.ledgers.keys()) if (!names.has(name)) this.forget(name);
    for (const { name, next_due_at, is_pending } of schedules) {
      if (is_pending) this.attend(name);
      else if (next_due_at === null) this.timers.cancel(name);
      else this.timers.set(name, epochMs(next_due_at));
    }
  }

  /** Looks after one schedule as soon as there is room; not twice at once. */
  attend(name: string): void {
    if (this.isStopped) return;
    this.waiting.add(name);
    this.workOn();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.waiting.clear();
    this.timers.clear();
    for (const unsubscribe of this.listening.values()) unsubscribe();
    this.listening.clear();
    await Promise.all(this.inWork.values());
  }

  private workOn(): void {
    for (const name of this.waiting) {
      if (this.inWork.size >= AT_ONCE_MAX) return;
      if (this.inWork.has(name)) continue;
      this.waiting.delete(name);
      const work = this.keep(name)
        .catch((fault: unknown) => {
          this.ports.onFault(name, fault);
          if (!this.isStopped) this.timers.set(name, this.ports.clock.now() + TRY_AGAIN_MS);
        })
        .finally(() => {
          this.inWork.delete(name);
          this.workOn();
        });
      this.inWork.set(name, work);
    }
  }

  private async keep(name: string): Promise<void> {
    const ledger = await this.ledgerOf(name);
    await ledger.refresh();
    for (;;) {
      await this.recordEnds(name, ledger);
      const { plan } = ledger.state;
      // What comes due meanwhile is for the catch-up when it is resumed, as if nobody had looked.
      if (plan && (await this.ports.runs.isPaused(plan.workflow_name))) {
        this.timers.cancel(name);
        return this.listen(name, ledger.state);
      }
      await ledger.carryOut({ type: 'Tick', data: { name } });
      await this.startPending(name, ledger);
      if (this.isStopped) return;
      const next = nextDueAt(ledger.state);
      if (next !== undefined && epochMs(next) <= this.ports.clock.now()) continue;
      if (next === undefined) this.timers.cancel(name);
      else this.timers.set(name, epochMs(next));
      return this.listen(name, ledger.state);
    }
  }

  private async recordEnds(name: string, ledger: ScheduleLedger): Promise<void> {
    for (const { due_at, correlation_id, is_started } of ledger.state.pending) {
      const status = is_started ? await this.ports.runs.endOf(correlation_id) : undefined;
      if (status) await ledger.carryOut({ type: 'RecordEnd', data: { name, due_at, status } });
    }
  }

  private async startPending(name: string, ledger: ScheduleLedger): Promise<void> {
    for (const occurrence of ledger.state.pending) {
      const { plan } = ledger.state;
      if (occurrence.is_started || !plan || this.isStopped) continue;
      await this.start(name, ledger, plan, occurrence);
    }
  }

  private async start(
    name: string,
    ledger: ScheduleLedger,
    plan: SchedulePlan,
    occurrence: PendingOccurrence,
  ): Promise<void> {
    const { due_at } = occurrence;
    const started = await this.ports.runs.start(name, plan, occurrence);
    if (started instanceof Rejection) {
      const { code, message } = started;
      // It waits for the resume, like those that have not come due.
      if (code === DEFINITION_PAUSED) return;
      return ledger.carryOut({ type: 'RecordRefusal', data: { name, due_at, code, message } });
    }
    const { workflow_id } = started;
    return ledger.carryOut({ type: 'RecordStart', data: { name, due_at, workflow_id } });
  }

  /** Only what waits for an end is told of it at once. */
  private listen(name: string, state: Schedule): void {
    this.listening.get(name)?.();
    this.listening.delete(name);
    const [first] = state.pending;
    if (!first || state.queued === undefined) return;
    const listener = () => this.attend(name);
    this.listening.set(name, this.ports.onEnd(first.correlation_id, listener));
  }

  private async ledgerOf(name: string): Promise<ScheduleLedger> {
    let ledger = this.ledgers.get(name);
    if (!ledger) {
      const { store, clock, snapshots } = this.ports;
      const from = await snapshots.of(name);
      ledger = new Ledger(schedule, scheduleStream(name), ACTOR, store, clock, from);
      this.ledgers.set(name, ledger);
    }
    return ledger;
  }

  private forget(name: string): void {
    this.ledgers.delete(name);
    this.timers.cancel(name);
    this.listening.get(name)?.();
    this.listening.delete(name);
  }
}
