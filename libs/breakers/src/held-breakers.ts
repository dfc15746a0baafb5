import { healthContract } from '@downbeat/contracts';
import {
  BREAKER_POLICY,
  BreakerJournal,
  breakerName,
  BreakerRules,
  Breakers,
  CallMeter,
  CircuitBreaker,
  thresholdsOf,
  type BreakerKey,
  type BreakerPolicy,
  type BreakerState,
  type BreakerStatistics,
  type CallTally,
  type JournalBounds,
  type JournalPage,
  type KeptBreaker,
  type Transition,
  type TripEvidence,
} from '@downbeat/resilience';
import { BreakerOrders, type BreakerOrder, type CarriedOut } from './breaker-orders';

export interface HeldBreakersOptions {
  /** Whose calls they watch. */
  readonly source: string;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly calendar: () => number;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** When nobody has said anything else. */
  readonly policy?: BreakerPolicy;
  /** Of those that nothing would be lost with, so many are kept; default 10,000. */
  readonly breakersMax?: number;
}

/** A breaker in use, and where calls through it are counted. */
export interface HeldBreaker {
  readonly key: BreakerKey;
  readonly breaker: CircuitBreaker;
  readonly tally: CallTally;
}

interface Held extends HeldBreaker {
  readonly meter: CallMeter;
  /** What its rules had counted when it opened: they begin anew then. */
  openedBy: number;
}

/** How a breaker is, for whoever is told of it. */
export interface BreakerView extends BreakerStatistics {
  readonly key: BreakerKey;
  readonly thresholds: ReturnType<typeof thresholdsOf>;
  /** The settings that it follows. */
  readonly follows?: string;
  /** Failures, or slow calls, that count against it: of one that is open, those that opened it. */
  readonly counted: number;
}

/** For so long, and of so many, others may wait for one that is gone to do what it is told. */
const GONE_MS = 180_000;
const GONE_MAX = 10_000;

/** What is new of a breaker. */
export interface BreakerNews extends JournalPage {
  readonly carriedOut: readonly CarriedOut[];
}

/** The breakers of this process, and what is to be told of them. */
export class HeldBreakers {
  /** For whoever calls. */
  readonly breakers: Breakers;
  private readonly journal = new BreakerJournal();
  private readonly orders = new BreakerOrders();
  private readonly held = new Map<string, Held>();
  /** Those that were dropped, and when, by name. Oldest first. */
  private readonly gone = new Map<string, { readonly key: BreakerKey; readonly atMs: number }>();

  constructor(private readonly options: HeldBreakersOptions) {
    const { chance, breakersMax } = options;
    this.breakers = new Breakers({
      chance,
      ...(breakersMax !== undefined && { breakersMax }),
      onKept: (one) => this.kept(one),
      onDropped: (one) => this.dropped(one),
      onTransition: (key, transition) => this.transitioned(key, transition),
    });
    this.breakers.follow(new BreakerRules([], this.ownPolicy));
  }

  get source(): string {
    return this.options.source;
  }

  /** What breakers do when nobody has said anything. */
  get ownPolicy(): BreakerPolicy {
    return this.options.policy ?? BREAKER_POLICY;
  }

  /** The breaker in front of a whole target; made when there is none. @throws {RangeError} There are too many. */
  hold(target: string): HeldBreaker {
    const { source, now } = this.options;
    this.breakers.of(source, target, '', now());
    const held = this.held.get(breakerName({ source, target, pattern: '*' }));
    if (!held) throw new RangeError('there is no room for another breaker');
    return held;
  }

  /** Other rules and orders from now on. Breakers keep their state, and what they saw under the same policy. */
  follow(rules: BreakerRules, orders: readonly BreakerOrder[]): void {
    this.orders.follow(orders);
    this.breakers.follow(rules);
    for (const one of this.held.values()) this.obey(one, false);
    this.obeyForGone();
  }

  /** Orders that were carried out are to be carried out again with the next that are followed. */
  forgetOrders(): void {
    this.orders.forgetAll();
  }

  /** The target is not called any more; what is to be told of it still is. */
  drop(target: string): void {
    for (const { key } of [...this.held.values()])
      if (key.target === target) this.breakers.drop(key);
  }

  /** By the breakers' clock. */
  now(): number {
    return this.options.now();
  }

  /** To be added to times of the breakers' clock for times of the calendar. */
  get calendarOffsetMs(): number {
    return this.options.calendar() - this.options.now();
  }

  /** Does what time has done to them, so that it is told of before the next call, and counts their calls. */
  advance(): void {
    const now = this.options.now();
    for (const one of this.held.values()) {
      one.breaker.advance(now);
      this.meter(one);
    }
  }

  /** Those of which there is what people wait for: orders that were carried out, and transitions. Gone ones too. */
  changed(): readonly BreakerKey[] {
    return [...this.orders.keys(), ...this.journal.changed()];
  }

  /** Those that changed, or were called. Gone ones too. */
  untold(): readonly BreakerKey[] {
    return [...this.orders.keys(), ...this.journal.untold()];
  }

  /** What is new of one; it is gone from here. */
  take(key: BreakerKey, bounds: JournalBounds): BreakerNews {
    const held = this.held.get(breakerName(key));
    if (held) this.meter(held);
    return { ...this.journal.take(key, bounds), carriedOut: this.orders.take(key) };
  }

  /** A breaker as it is; one that is gone is as if it had been made anew. */
  view(key: BreakerKey): BreakerView {
    const held = this.held.get(breakerName(key));
    const { policy, id: follows } = this.breakers.ruledOf(key);
    const breaker = held?.breaker ?? this.madeAnew(key);
    const statistics = breaker.statistics(this.options.now());
    const thresholds = thresholdsOf(policy);
    const counted = Math.max(held?.openedBy ?? 0, ...statistics.rules.map(countedBy));
    return { key, ...statistics, thresholds, counted, ...(follows !== undefined && { follows }) };
  }

  /** Of each, the state it is in. */
  states(): readonly BreakerState[] {
    return [...this.held.values()].map(({ breaker }) => breaker.name);
  }

  views(): readonly BreakerView[] {
    return [...this.held.values()].map(({ key }) => this.view(key));
  }

  private kept({ key, breaker }: KeptBreaker): void {
    // A report that names it would be refused, with all that others have to tell.
    if (!healthContract.callTarget.safeParse(key.target).success) return;
    const tally = this.journal.tallyOf(key);
    const one: Held = { key, breaker, tally, meter: new CallMeter(breaker), openedBy: 0 };
    this.held.set(breakerName(key), one);
    this.gone.delete(breakerName(key));
    this.obey(one, true);
  }

  private dropped({ key }: KeptBreaker): void {
    const name = breakerName(key);
    const one = this.held.get(name);
    // Of one that cannot be named in a report nothing is told when it is gone, either.
    if (!one) return;
    this.meter(one);
    this.held.delete(name);
    this.journal.drop(key);
    this.gone.delete(name);
    this.gone.set(name, { key, atMs: this.options.now() });
    this.forgetGone();
  }

  /** There is nothing to do: one of that name is forced when it is made anew. But who ordered it waits. */
  private obeyForGone(): void {
    this.forgetGone();
    const { now, calendar } = this.options;
    for (const { key } of this.gone.values())
      this.orders.carryOut(key, this.madeAnew(key), now(), calendar(), true);
  }

  private madeAnew(key: BreakerKey): CircuitBreaker {
    const breaker = new CircuitBreaker(this.breakers.ruledOf(key).policy, this.options.chance);
    this.orders.force(key, breaker, this.options.now());
    return breaker;
  }

  private forgetGone(): void {
    const sinceMs = this.options.now() - GONE_MS;
    for (const [name, { atMs }] of this.gone) {
      if (this.gone.size <= GONE_MAX && atMs > sinceMs) break;
      this.gone.delete(name);
    }
  }

  private transitioned(key: BreakerKey, transition: Transition): void {
    const held = this.held.get(breakerName(key));
    // One for which there is no room is nobody's to tell of.
    if (!held) return;
    const { cause, to } = transition;
    if (cause.kind === 'tripped') held.openedBy = countedBy(cause.evidence);
    if (to === 'closed') held.openedBy = 0;
    this.journal.note(key, transition, this.calendarOffsetMs);
  }

  private meter({ tally, meter }: Held): void {
    tally.add(meter.take(), this.options.calendar());
  }

  private obey({ key, breaker }: Held, isNew: boolean): void {
    const { now, calendar } = this.options;
    this.orders.carryOut(key, breaker, now(), calendar(), isNew);
  }
}

const countedBy = ({ rule, slow, failures }: TripEvidence): number =>
  rule === 'slow-calls' ? slow : failures;
