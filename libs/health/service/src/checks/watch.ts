import {
  beginAt,
  detailOf,
  hostOf,
  isAgainst,
  isSameFailure,
  isSameStanding,
  observeCalls,
  observeInstance,
  reasonSaid,
  runningPhases,
  standingOf,
  type CallEvidence,
  type CheckPlan,
  type CheckResult,
  type Failing,
  type Inherited,
  type InstanceObservation,
  type Phase,
  type PhasePlan,
  type Standing,
} from '@downbeat/health-domain';
import type { CheckLog } from './check-log';
import { turn, type KnownInstance } from './known-instance';
import type { Ask, Asking, Probing } from './probing';
import type { Line } from './waiting-lines';

/** While our share is in doubt, a check waits for this share of its interval, and no longer than … */
const WAIT_SHARE = 0.1;
const WAIT_MS_MAX = 1_000;
/** A check gets this long even when the time for starting is nearly over. */
const LAST_CHECK_MS = 50;

/** However many callers report failures, a check is brought forward no more often than this. */
const HURRY_EVERY_MS = 200;

/** What took longer is expected to do so again. */
const SLOW_MS = 500;

export interface WatchParts {
  readonly probing: Pick<Probing, 'ask'>;
  readonly log: Pick<CheckLog, 'passedStartup' | 'crossed' | 'now'>;
  /** False: another replica may check this instance now, so what was seen here does not count. */
  readonly isOurs: (instanceId: string) => boolean;
  /** Whose failure an instance that is unhealthy has. */
  readonly inheritedBy: (known: KnownInstance, failing: Failing) => Inherited | undefined;
  /** It stands otherwise, before the log tells of it. */
  readonly onTurned: (known: KnownInstance) => void;
  readonly onFault: (fault: unknown, instanceId: string) => void;
}

/** One phase that is or was asked about. */
class Run {
  timer: NodeJS.Timeout | undefined;
  /** In line or under way. */
  asking: Asking | undefined;
  tookMs: number | undefined;
  /** What its check saw last. */
  detail: string | undefined;
}

/**
 * The checking of one instance by this replica: a timer for each phase that runs. There are as many as
 * there are instances, and most have one phase: what each holds is counted in bytes.
 */
export class Watch {
  private observation: InstanceObservation;
  private readonly runs: { [Phased in Phase]?: Run } = {};
  /** Of results that are being taken; undefined when none is. */
  private turn: Promise<void> | undefined;
  private isOver = false;
  /** When calls were last reported to have failed, on this process's monotonic clock. */
  private callsFailedAt = -Infinity;
  private hurriedAt = -Infinity;
  private isHurried = false;

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
    for (const { timer, asking } of Object.values(this.runs)) {
      clearTimeout(timer);
      asking?.withdraw();
    }
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

  /** Calls that failed may cross the threshold, or bring the next check forward to now. */
  async hearOfCalls(evidence: CallEvidence): Promise<void> {
    if (this.isOver || !isAgainst(evidence)) return;
    await this.inTurn(async () => {
      if (!this.isRunning('readiness') || !this.isOurs) return;
      this.callsFailedAt = performance.now();
      const now = observeCalls(this.observation, evidence, this.plan);
      const isCrossed = await this.turnTo(now, 'readiness', detailOf(evidence));
      // Whoever fell by its calls gets a whole interval: its checks may well pass while calls fail.
      if (isCrossed) this.schedule('readiness', this.intervalOf('readiness', this.plan.readiness));
      else if (now.readiness.status === 'healthy') this.hurry();
    });
  }

  private hurry(): void {
    this.isHurried = true;
    // It may stand in line already, behind what nobody waits for.
    this.runs.readiness?.asking?.hurry();
    const now = performance.now();
    // One is on its way already.
    if (this.hurriedAt > now) return;
    this.hurriedAt = Math.max(now, this.hurriedAt + HURRY_EVERY_MS);
    this.schedule('readiness', this.hurriedAt - now);
  }

  private get instanceId(): string {
    return this.known.checked.instance_id;
  }

  private isRunning(phase: Phase): boolean {
    return !this.isOver && runningPhases(this.observation, this.plan).includes(phase);
  }

  private schedule(phase: Phase, delayMs: number): void {
    const run = this.runOf(phase);
    clearTimeout(run.timer);
    // What is under way schedules the next one itself.
    if (this.isOver || run.asking) return;
    run.timer = setTimeout(() => {
      this.check(phase).catch((fault: unknown) => this.parts.onFault(fault, this.instanceId));
    }, delayMs);
  }

  private runOf(phase: Phase): Run {
    return (this.runs[phase] ??= new Run());
  }

  private async check(phase: Phase): Promise<void> {
    const plan = this.plan[phase];
    if (!plan || !this.isRunning(phase)) return;
    if (!this.isOurs) return this.schedule(phase, waitMs(plan));
    let asked = this.plan;
    let askedAt = 0;
    const wish = { host: hostOf(plan.request), line: this.lineOf(phase) };
    const asking = this.parts.probing.ask(wish, () => {
      asked = this.plan;
      askedAt = performance.now();
      if (phase === 'readiness') this.isHurried = false;
      return this.askFor(phase);
    });
    const run = this.runOf(phase);
    run.asking = asking;
    try {
      const result = await asking.result;
      if (result) run.tookMs = performance.now() - askedAt;
      if (result && asked === this.plan) await this.inTurn(() => this.take(phase, result, askedAt));
    } finally {
      run.asking = undefined;
      const next = this.plan[phase];
      if (next && this.isRunning(phase))
        this.schedule(phase, asked === this.plan ? this.nextIn(phase, next) : 0);
    }
  }

  /** Somebody waits for what nobody has asked yet, and for what callers doubt. */
  private lineOf(phase: Phase): Line {
    if (phase === 'readiness' && this.isHurried) return 'urgent';
    const { tookMs } = this.runOf(phase);
    if (tookMs === undefined) return this.known.standing ? 'routine' : 'urgent';
    return tookMs > SLOW_MS ? 'slow' : 'routine';
  }

  /** It may have waited for its turn for so long that nobody wants to know any more. */
  private askFor(phase: Phase): Ask | undefined {
    const plan = this.plan[phase];
    if (!plan || !this.isRunning(phase) || !this.isOurs) return undefined;
    return { request: plan.request, timeoutMs: this.timeoutOf(phase, plan) };
  }

  private nextIn(phase: Phase, plan: PhasePlan): number {
    return this.isOurs ? this.intervalOf(phase, plan) : waitMs(plan);
  }

  private get isOurs(): boolean {
    return this.parts.isOurs(this.instanceId);
  }

  /** Results of two phases are taken one after the other: both change what is seen. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn ? this.turn.then(work) : work();
    const turn = done
      .catch(() => undefined)
      .then(() => {
        if (this.turn === turn) this.turn = undefined;
      });
    this.turn = turn;
    return done;
  }

  private async take(phase: Phase, result: CheckResult, askedAt: number): Promise<void> {
    if (!this.isRunning(phase) || !this.isOurs) return;
    // What was asked before calls failed cannot speak against them.
    if (phase === 'readiness' && result.isPassed && askedAt < this.callsFailedAt) return;
    const isOverdue = this.startupLeftMs() <= 0;
    const now = observeInstance(this.observation, phase, result, this.plan, isOverdue);
    await this.turnTo(now, phase, result.detail);
  }

  /**
   * Only once it is recorded does it count here: otherwise the next result tells again.
   *
   * @returns Whether the instance stands otherwise now.
   */
  private async turnTo(now: InstanceObservation, phase: Phase, detail: string): Promise<boolean> {
    const { known, plan, parts, observation: before } = this;
    this.runOf(phase).detail = detail;
    const hasJustStarted = now.hasStarted && !before.hasStarted;
    if (hasJustStarted) {
      known.position = await parts.log.passedStartup(known.checked, detail);
      known.hasStarted = true;
    }
    const standing = standingOf(now, plan);
    const inherited = this.inheritedBy(standing);
    const isSame =
      isSameStanding(
        said(standing, inherited),
        known.standing && said(known.standing, known.inherited),
      ) && isSameFailure(inherited, known.inherited);
    const isNews = standing.status !== 'starting' && !isSame;
    if (isNews) {
      const { failures } = now[standing.phase];
      // What it is about need not be what was asked just now.
      const found = { standing, ...(inherited && { inherited }), failures };
      const finding = { ...found, detail: this.runOf(standing.phase).detail ?? detail };
      known.position = await parts.log.crossed(known.checked, finding, plan);
      turn(known, standing, inherited, parts.log.now());
      parts.onTurned(known);
    }
    // Meanwhile something else may have been learned from the log, or of the service.
    if (this.observation === before) this.observation = now;
    if (hasJustStarted) this.begin(0);
    return isNews;
  }

  private inheritedBy({ status, phase }: Standing): Inherited | undefined {
    if (status !== 'unhealthy') return undefined;
    const { unhealthySinceMs = this.parts.log.now() } = this.known;
    const { intervalMs } = this.plan[phase] ?? this.plan.readiness;
    return this.parts.inheritedBy(this.known, { unhealthySinceMs, intervalMs });
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

/** As everybody is told. */
const said = (standing: Standing, inherited: Inherited | undefined): Standing => ({
  ...standing,
  reason: reasonSaid(standing.reason, inherited),
});

const waitMs = ({ intervalMs }: PhasePlan): number =>
  Math.min(intervalMs * WAIT_SHARE, WAIT_MS_MAX);
