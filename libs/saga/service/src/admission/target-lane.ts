import type { HeldBreaker } from '@downbeat/breakers';
import { TokenBucket, type CircuitBreaker, type Permit } from '@downbeat/resilience';
import type { CallResult, HeldBecause } from '@downbeat/saga-domain';
import { isWell } from '../targets/target-caller';
import type { CallRequest, Ticket, Wait } from './call-request';
import { burstOf, KeyLimits } from './key-limits';
import type { TargetLimits } from './target-limits';
import { WaitingCalls } from './waiting-calls';

export interface LanePorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly calendar: () => number;
  readonly held: HeldBreaker;
  /** Of this process, when nobody has set a limit. */
  readonly concurrencyMax: number;
}

interface Waiter extends Ticket {
  turn: Promise<boolean> | undefined;
  readonly since: number;
  go: (mayGo: boolean) => void;
  permit: Permit | undefined;
}

/** What stands between calls and a target, and what they wait for. */
interface Obstacle {
  readonly because: HeldBecause;
  readonly waitMs: Wait;
}

/** Calls seen since somebody last asked. */
export interface Evidence {
  readonly calls: number;
  readonly failures: number;
}

/** The calls of this process in front of one target. */
export class TargetLane {
  private readonly waiting = new WaitingCalls<Waiter>();
  private readonly keys = new KeyLimits();
  private readonly breaker: CircuitBreaker;
  private limits: TargetLimits = {};
  private bucket: TokenBucket | undefined;
  private isPaused = false;
  private busy = 0;
  private seen = { calls: 0, failures: 0 };
  private wake: NodeJS.Timeout | undefined;

  constructor(
    readonly service: string,
    private readonly ports: LanePorts,
  ) {
    this.breaker = ports.held.breaker;
  }

  /** Nothing would be lost with it. */
  get isIdle(): boolean {
    return (
      this.busy === 0 &&
      this.waiting.size === 0 &&
      !this.isPaused &&
      // It forgets nothing: neither failures that count, nor that it is open or forced.
      this.breaker.isAtRest(this.ports.now()) &&
      this.seen.calls === 0 &&
      // A rate remembers when the last ones went.
      this.limits.rate_per_second === undefined &&
      this.limits.key_rate_per_second === undefined
    );
  }

  get underWay(): number {
    return this.busy;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Every ticket is to be handed back with {@link leave}, once. */
  enter(request: CallRequest): Ticket {
    const waiter: Waiter = {
      ...request,
      since: this.ports.now(),
      turn: undefined,
      go: () => undefined,
      permit: undefined,
    };
    if (this.waiting.size === 0 && !this.obstacle() && this.keyWait(request.key) === 0)
      return this.admit(waiter);
    waiter.turn = new Promise((resolve) => (waiter.go = resolve));
    if (this.breaker.waitMs(this.ports.now()) > 0)
      this.ports.held.tally.keptAway(this.ports.calendar());
    this.waiting.add(waiter);
    this.pump();
    return waiter;
  }

  /** @param result What came of the call; undefined: it was not sent. */
  leave(ticket: Ticket, result: CallResult | undefined): void {
    const waiter = ticket as Waiter;
    if (!waiter.permit) return;
    this.busy--;
    this.keys.leave(waiter.key);
    if (result) this.came(waiter.permit, isWell(result));
    else this.breaker.giveBack(waiter.permit);
    this.pump();
  }

  /** Gives up a call that still waits; it is told so. */
  drop(ticket: Ticket): void {
    const waiter = ticket as Waiter;
    if (!this.waiting.drop(waiter)) return;
    waiter.go(false);
    this.pump();
  }

  /** What a call that waits is waiting for, at the moment. */
  because(ticket: Ticket): HeldBecause {
    return (
      this.obstacle()?.because ?? (this.keyWait(ticket.key) === 0 ? 'rate-limit' : 'key-limit')
    );
  }

  /** This process's part of what an operator allows. */
  limit(limits: TargetLimits): void {
    const { rate_per_second: rate } = limits;
    if (rate !== this.limits.rate_per_second)
      this.bucket = rate === undefined ? undefined : new TokenBucket(rate, burstOf(rate));
    this.limits = limits;
    this.keys.limit(limits.key_concurrency_max, limits.key_rate_per_second);
    this.pump();
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.pump();
  }

  /** Its breaker follows other settings, or was told what to do. */
  lookAgain(): void {
    this.pump();
  }

  /** What another process saw of the target. */
  hear({ calls, failures }: Evidence): void {
    this.breaker.hear(calls, failures, this.ports.now());
    this.pump();
  }

  /** What this process saw of it since it was last asked. */
  tell(): Evidence {
    const { seen } = this;
    this.seen = { calls: 0, failures: 0 };
    return seen;
  }

  view() {
    const now = this.ports.now();
    const waits = [...this.waiting].sort((one, other) => one.since - other.since);
    return {
      service_name: this.service,
      is_paused: this.isPaused,
      breaker: this.breaker.name,
      under_way: this.busy,
      waiting: waits.length,
      waits: waits.slice(0, WAITS_SHOWN_MAX).map((waiter) => ({
        call: waiter.label,
        priority: waiter.priority,
        ...(waiter.key === undefined ? {} : { key: waiter.key }),
        because: this.because(waiter),
        waiting_ms: Math.round(now - waiter.since),
      })),
    };
  }

  /** Lets everyone go whose turn it is. */
  private pump(): void {
    clearTimeout(this.wake);
    let obstacle = this.waiting.size === 0 ? undefined : this.obstacle();
    while (this.waiting.size > 0 && !obstacle) {
      const waiter = this.waiting.next((key) => this.keyWait(key) === 0);
      if (!waiter) obstacle = this.keyObstacle();
      else {
        this.admit(waiter);
        waiter.go(true);
        obstacle = this.obstacle();
      }
    }
    if (obstacle?.waitMs === undefined) return;
    // Rounded up: a timer that is early would find that it has to wait for the rest.
    this.wake = setTimeout(() => this.pump(), Math.ceil(obstacle.waitMs));
  }

  private admit(waiter: Waiter): Waiter {
    const now = this.ports.now();
    this.busy++;
    this.bucket?.take(now);
    this.keys.take(waiter.key, now);
    waiter.permit = this.breaker.take(now);
    return waiter;
  }

  private obstacle(): Obstacle | undefined {
    if (this.isPaused) return { because: 'target-paused', waitMs: undefined };
    if (this.busy >= (this.limits.concurrency_max ?? this.ports.concurrencyMax))
      return { because: 'concurrency-limit', waitMs: undefined };
    const now = this.ports.now();
    const breakerMs = this.breaker.waitMs(now);
    if (breakerMs !== 0) return { because: 'breaker-open', waitMs: breakerMs };
    const bucketMs = this.bucket?.waitMs(now) ?? 0;
    return bucketMs === 0 ? undefined : { because: 'rate-limit', waitMs: bucketMs };
  }

  private keyWait(key: string | undefined): Wait {
    return this.keys.waitMs(key, this.ports.now());
  }

  /** Every key that waits has enough: until the first of them has room. */
  private keyObstacle(): Obstacle {
    let soonestMs: Wait;
    for (const key of this.waiting.keys()) {
      const waitMs = this.keyWait(key);
      if (waitMs !== undefined && (soonestMs === undefined || waitMs < soonestMs))
        soonestMs = waitMs;
    }
    return { because: 'key-limit', waitMs: soonestMs };
  }

  private came(permit: Permit, isFine: boolean): void {
    this.seen.calls++;
    if (!isFine) this.seen.failures++;
    this.breaker.came(permit, isFine, this.ports.now());
  }
}

const WAITS_SHOWN_MAX = 100;
