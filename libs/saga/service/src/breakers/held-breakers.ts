import {
  BREAKER_POLICY,
  BreakerJournal,
  BreakerRules,
  CircuitBreaker,
  thresholdsOf,
  type BreakerKey,
  type BreakerPolicy,
  type BreakerStatistics,
  type CallTally,
  type JournalBounds,
  type JournalPage,
  type TripEvidence,
} from '@downbeat/resilience';
import { BreakerOrders, type BreakerOrder, type CarriedOut } from './breaker-orders';

/** Who calls, as breakers name it: the engine calls for all workflows alike. */
export const BREAKER_SOURCE = 'downbeat-saga';
const PATTERN = '*';

export interface HeldBreakersOptions {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly calendar: () => number;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** When nobody has said anything else. */
  readonly policy?: BreakerPolicy;
}

/** A breaker in use, and where calls through it are counted. */
export interface HeldBreaker {
  readonly key: BreakerKey;
  readonly breaker: CircuitBreaker;
  readonly tally: CallTally;
}

interface Kept extends HeldBreaker {
  policy: BreakerPolicy;
  /** The settings that the policy is from. */
  follows: string | undefined;
  /** What its rules had counted when it opened: they begin anew then. */
  openedBy: number;
}

/** How a breaker is, for whoever is told of it. */
export interface BreakerView extends BreakerStatistics {
  readonly key: BreakerKey;
  readonly thresholds: ReturnType<typeof thresholdsOf>;
  readonly follows?: string;
  /** Failures, or slow calls, that count against it: of one that is open, those that opened it. */
  readonly counted: number;
}

/** The breakers of this process in front of its targets, and what is to be told of them. */
export class HeldBreakers {
  private readonly journal = new BreakerJournal();
  private readonly orders = new BreakerOrders();
  private readonly kept = new Map<string, Kept>();
  private rules: BreakerRules;

  constructor(private readonly options: HeldBreakersOptions) {
    this.rules = new BreakerRules([], this.ownPolicy);
  }

  /** What breakers do when nobody has said anything. */
  get ownPolicy(): BreakerPolicy {
    return this.options.policy ?? BREAKER_POLICY;
  }

  /** The breaker in front of a target; made when there is none. */
  hold(target: string): HeldBreaker {
    const known = this.kept.get(target);
    if (known) return known;
    const key: BreakerKey = { source: BREAKER_SOURCE, target, pattern: PATTERN };
    const { policy, follows } = this.ruledFor(target);
    const breaker = new CircuitBreaker(policy, this.options.chance, (transition) => {
      if (transition.cause.kind === 'tripped') made.openedBy = countedBy(transition.cause.evidence);
      if (transition.to === 'closed') made.openedBy = 0;
      this.journal.note(key, transition, this.calendarOffsetMs);
    });
    const tally = this.journal.tallyOf(key);
    const made: Kept = { key, breaker, tally, policy, follows, openedBy: 0 };
    this.kept.set(target, made);
    this.obey(made, true);
    return made;
  }

  /** Other rules and orders from now on. Breakers keep their state, and what they saw under the same policy. */
  follow(rules: BreakerRules, orders: readonly BreakerOrder[]): void {
    this.rules = rules;
    this.orders.follow(orders);
    for (const one of this.kept.values()) {
      const { policy, follows } = this.ruledFor(one.key.target);
      if (JSON.stringify(policy) !== JSON.stringify(one.policy)) one.breaker.follow(policy);
      one.policy = policy;
      one.follows = follows;
      this.obey(one, false);
    }
  }

  /** The target is not called any more; what is to be told of it still is. */
  drop(target: string): void {
    const known = this.kept.get(target);
    if (!known) return;
    this.kept.delete(target);
    this.journal.drop(known.key);
  }

  /** To be added to times of the breakers' clock for times of the calendar. */
  get calendarOffsetMs(): number {
    return this.options.calendar() - this.options.now();
  }

  /** A transition, or an order that was carried out. */
  get hasNews(): boolean {
    return this.journal.hasTransitions || this.orders.hasNews;
  }

  /** Does what time has done to them, so that it is told of before the next call. */
  advance(): void {
    const now = this.options.now();
    for (const { breaker } of this.kept.values()) breaker.advance(now);
  }

  /** What is new; it is gone from here. */
  take(bounds: JournalBounds): readonly JournalPage[] {
    return this.journal.take(bounds);
  }

  /** Orders that these have carried out; they are gone from here. */
  takeCarriedOut(targets: ReadonlySet<string>, max: number): readonly CarriedOut[] {
    return this.orders.take(targets, max);
  }

  /** Those of which it is to be told that they have carried out an order. */
  obedient(): ReadonlySet<string> {
    return this.orders.targets();
  }

  /** A breaker that nobody has used. */
  untouched(key: BreakerKey): BreakerView {
    const { now, chance } = this.options;
    const { policy } = this.ruledFor(key.target);
    const statistics = new CircuitBreaker(policy, chance).statistics(now());
    return { key, ...statistics, thresholds: thresholdsOf(policy), counted: 0 };
  }

  view(target: string): BreakerView | undefined {
    const known = this.kept.get(target);
    return known && this.viewOf(known);
  }

  views(): readonly BreakerView[] {
    return [...this.kept.values()].map((one) => this.viewOf(one));
  }

  private viewOf({ key, breaker, policy, follows, openedBy }: Kept): BreakerView {
    const statistics = breaker.statistics(this.options.now());
    const thresholds = thresholdsOf(policy);
    const counted = Math.max(openedBy, ...statistics.rules.map(countedBy));
    return { key, ...statistics, thresholds, counted, ...(follows !== undefined && { follows }) };
  }

  private ruledFor(target: string) {
    const { rules } = this;
    const ruled = rules.named(rules.of(BREAKER_SOURCE, target), PATTERN);
    return { policy: ruled?.policy ?? rules.defaults, follows: ruled?.id };
  }

  private obey({ key, breaker }: Kept, isNew: boolean): void {
    const { now, calendar } = this.options;
    this.orders.carryOut(key.target, breaker, now(), calendar(), isNew);
  }
}

const countedBy = ({ rule, slow, failures }: TripEvidence): number =>
  rule === 'slow-calls' ? slow : failures;
