import { HeldBreakers } from '@downbeat/breakers';
import type { BreakerPolicy } from '@downbeat/resilience';
import type { CallResult, HeldBecause } from '@downbeat/saga-domain';
import type { CallRequest, Ticket } from './call-request';
import { TargetLane, type Evidence } from './target-lane';
import { shareOf, type TargetLimits } from './target-limits';

export interface AdmissionOptions {
  /** Calls of this process under way to a target that nobody has set a limit for; default 200. */
  readonly callsPerTargetMax?: number;
  /** Calls of this process that wait for a target, above which no new run shall call it; default 5,000. */
  readonly waitingPerTargetMax?: number;
  readonly breaker?: BreakerPolicy;
  readonly chance: () => number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly calendar?: () => number;
}

const CALLS_PER_TARGET_MAX = 200;
const WAITING_PER_TARGET_MAX = 5_000;
/** Who calls, as breakers name it: the engine calls for all workflows alike. */
export const BREAKER_SOURCE = 'downbeat-saga';

/** What operators said of a target. */
export interface TargetRules {
  readonly service_name: string;
  readonly is_paused: boolean;
  readonly limits: TargetLimits;
}

/**
 * Decides when a call may go: calls to a target that is paused, fails, or has enough of them wait
 * here, unsent, before their time-out begins.
 */
export class Admission {
  /** The breakers in front of the targets. */
  readonly breakers: HeldBreakers;
  private readonly lanes = new Map<string, TargetLane>();
  private rules: ReadonlyMap<string, TargetRules> = new Map();
  private replicas = 1;

  constructor(private readonly options: AdmissionOptions) {
    const { now, chance, calendar = Date.now, breaker: policy } = options;
    this.breakers = new HeldBreakers({
      source: BREAKER_SOURCE,
      ...{ now, calendar, chance, ...(policy && { policy }) },
      // Lanes come and go with the calls there are, and take theirs along.
      breakersMax: Infinity,
    });
  }

  get underWay(): number {
    return this.sum((lane) => lane.underWay);
  }

  get waiting(): number {
    return this.sum((lane) => lane.waitingCount);
  }

  /** The first of these for which enough calls wait. Those of runs under way are queued all the same. */
  cloggedAmong(services: readonly string[]): string | undefined {
    const max = this.options.waitingPerTargetMax ?? WAITING_PER_TARGET_MAX;
    return services.find((service) => (this.lanes.get(service)?.waitingCount ?? 0) >= max);
  }

  enter(request: CallRequest): Ticket {
    return this.laneOf(request.service).enter(request);
  }

  leave(ticket: Ticket, result: CallResult | undefined): void {
    this.lanes.get(ticket.service)?.leave(ticket, result);
  }

  drop(ticket: Ticket): void {
    this.lanes.get(ticket.service)?.drop(ticket);
  }

  /** What a call that waits is waiting for, at the moment. */
  because(ticket: Ticket): HeldBecause {
    return this.laneOf(ticket.service).because(ticket);
  }

  /** All rules there are, in place of those before; and among how many replicas they are shared. */
  follow(rules: readonly TargetRules[], replicas: number): void {
    const before = this.rules;
    this.rules = new Map(rules.map((rule) => [rule.service_name, rule]));
    this.replicas = replicas;
    for (const name of new Set([...before.keys(), ...this.rules.keys()])) {
      const lane = this.lanes.get(name);
      if (lane) this.rule(lane);
      else if (this.rules.get(name)?.is_paused) this.laneOf(name);
    }
  }

  /** The breakers follow other settings, or were told what to do. */
  lookAgain(): void {
    for (const lane of this.lanes.values()) lane.lookAgain();
  }

  /** What another replica saw of a target. */
  hear(service: string, evidence: Evidence): void {
    this.laneOf(service).hear(evidence);
  }

  /** What this replica saw of each target since it was last asked; idle targets are forgotten. */
  tell(): ReadonlyMap<string, Evidence> {
    const told = new Map<string, Evidence>();
    for (const [name, lane] of this.lanes) {
      const evidence = lane.tell();
      if (evidence.calls > 0) told.set(name, evidence);
      else if (lane.isIdle) this.forget(name);
    }
    return told;
  }

  view() {
    return [...this.lanes.values()].map((lane) => lane.view());
  }

  private laneOf(service: string): TargetLane {
    const known = this.lanes.get(service);
    if (known) return known;
    const { callsPerTargetMax, now, calendar = Date.now } = this.options;
    const lane = new TargetLane(service, {
      now,
      calendar,
      held: this.breakers.hold(service),
      concurrencyMax: callsPerTargetMax ?? CALLS_PER_TARGET_MAX,
    });
    this.lanes.set(service, lane);
    this.rule(lane);
    return lane;
  }

  private forget(name: string): void {
    this.lanes.delete(name);
    this.breakers.drop(name);
  }

  private rule(lane: TargetLane): void {
    const rules = this.rules.get(lane.service);
    lane.limit(shareOf(rules?.limits ?? {}, this.replicas));
    lane.pause(rules?.is_paused ?? false);
  }

  private sum(of: (lane: TargetLane) => number): number {
    let sum = 0;
    for (const lane of this.lanes.values()) sum += of(lane);
    return sum;
  }
}
