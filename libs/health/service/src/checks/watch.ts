import {
  beginAt,
  isSameStanding,
  observeInstance,
  runningPhases,
  standingOf,
  type CheckPlan,
  type CheckResult,
  type InstanceObservation,
  type Phase,
  type PhasePlan,
} from '@downbeat/health-domain';
import type { CheckLog } from './check-log';
import type { KnownInstance } from './known-instance';
import type { Probing } from './probing';

/** While too much is under way, or our share is in doubt, a check waits for this share of its interval. */
const WAIT_SHARE = 0.1;
/** A check gets this long even when the time for starting is nearly over. */
const LAST_CHECK_MS = 50;

export interface WatchParts {
  readonly probing: Pick<Probing, 'run' | 'isBusy'>;
  readonly log: Pick<CheckLog, 'passedStartup' | 'crossed' | 'now'>;
  /** False: another replica may check this instance now, so what was seen here does not count. */
  readonly isOurs: (instanceId: string) => boolean;
  readonly onFault: (fault: unknown, instanceId: string) => void;
}

/** The checking of one instance by this replica: a timer for each phase that runs. */
export class Watch {
  private observation: InstanceObservation;
  private readonly timers = new Map<Phase, NodeJS.Timeout>();
  private readonly underWay = new Set<Phase>();
  private turn: Promise<void> = Promise.resolve();
  private isOver = false;
  /** What each check saw last. */
  private readonly details = new Map<Phase, string>();

  constructor(
    readonly known: KnownInstance,
    private plan: CheckPlan,
    private readonly parts: WatchParts,
  ) {
    this.observation = beginAt(plan, known);
  }

  begin(delayMs: number): void {
    for (const phase of runningPhases(this.observation, this.plan)) this.schedule(phase, delayMs);
  }

  end(): void {
    this.isOver = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  /** From now on, not from the end of an interval that may be an hour. */
  changePlan(plan: CheckPlan): void {
    this.plan = plan;
    this.adopt();
    this.begin(0);
  }

  /** What is recorded counts; results in a row were counted against something else. */
  adopt(): void {
    const before = this.observation;
    this.observation = beginAt(this.plan, this.known);
    // Another replica saw it start.
    if (this.observation.hasStarted && !before.hasStarted) this.begin(0);
  }

  private get instanceId(): string {
    return this.known.checked.instance_id;
  }

  private isRunning(phase: Phase): boolean {
    return !this.isOver && runningPhases(this.observation, this.plan).includes(phase);
  }

  private schedule(phase: Phase, delayMs: number): void {
    clearTimeout(this.timers.get(phase));
    // What is under way schedules the next one itself.
    if (this.isOver || this.underWay.has(phase)) return;
    const timer = setTimeout(() => {
      this.check(phase).catch((fault: unknown) => this.parts.onFault(fault, this.instanceId));
    }, delayMs);
    this.timers.set(phase, timer);
  }

  private async check(phase: Phase): Promise<void> {
    const plan = this.plan[phase];
    if (!plan || !this.isRunning(phase)) return;
    const { probing, isOurs } = this.parts;
    if (probing.isBusy || !isOurs(this.instanceId))
      return this.schedule(phase, plan.intervalMs * WAIT_SHARE);
    this.underWay.add(phase);
    try {
      const result = await probing.run(plan.request, this.timeoutOf(phase, plan));
      if (result) await this.inTurn(() => this.take(phase, result));
    } finally {
      this.underWay.delete(phase);
      // Of the plan as it is now.
      const next = this.plan[phase];
      if (next && this.isRunning(phase)) this.schedule(phase, this.intervalOf(phase, next));
    }
  }

  /** Results of two phases are taken one after the other: both change what is seen. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(work, work);
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  private async take(phase: Phase, result: CheckResult): Promise<void> {
    const { known, plan, parts } = this;
    if (!this.isRunning(phase) || !parts.isOurs(this.instanceId)) return;
    const { detail } = result;
    this.details.set(phase, detail);
    const before = this.observation;
    const now = observeInstance(before, phase, result, plan, this.startupLeftMs() <= 0);
    // Only once it is recorded does it count here: otherwise the next result tells again.
    if (now.hasStarted && !before.hasStarted) {
      known.position = await parts.log.passedStartup(known.checked, detail);
      known.hasStarted = true;
    }
    const standing = standingOf(now, plan);
    if (standing.status !== 'starting' && !isSameStanding(standing, known.standing)) {
      const { failures } = now[standing.phase];
      // What it is about need not be what was asked just now.
      const finding = { standing, failures, detail: this.details.get(standing.phase) ?? detail };
      known.position = await parts.log.crossed(known.checked, finding, plan);
      known.standing = standing;
    }
    // Meanwhile something else may have been learned from the log, or of the service.
    if (this.observation === before) this.observation = now;
    if (now.hasStarted && !before.hasStarted) this.begin(0);
  }

  private startupLeftMs(): number {
    return this.known.sinceMs + this.plan.startupTimeoutMs - this.parts.log.now();
  }

  private timeoutOf(phase: Phase, { timeoutMs }: PhasePlan): number {
    const leftMs = this.startupLeftMs();
    if (phase !== 'startup' || leftMs <= 0) return timeoutMs;
    return Math.min(timeoutMs, Math.max(leftMs, LAST_CHECK_MS));
  }

  private intervalOf(phase: Phase, { intervalMs, jitter }: PhasePlan): number {
    const delayMs = intervalMs * (1 + jitter * (Math.random() - 0.5));
    const leftMs = this.startupLeftMs();
    return phase === 'startup' && leftMs > 0 ? Math.min(delayMs, leftMs) : delayMs;
  }
}
