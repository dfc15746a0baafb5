import { Balancer } from '../balancing/balancer';
import type { Endpoint } from '../balancing/endpoint';
import { Bulkhead } from '../bulkhead/bulkhead';
import type { Breakers } from '../breaker/breakers';
import { CONSECUTIVE_POLICY } from '../breaker/breaker-policy';
import { CircuitBreaker } from '../breaker/circuit-breaker';
import { GradientLimit } from '../concurrency/gradient-limit';
import type { Clockwork } from '../deadline/clockwork';
import { Hedging } from '../hedging/hedging';
import { Retrier } from '../retry/retrier';
import { RetryBudget } from '../retry/retry-budget';
import type { AnswerCache } from '../caching/answer-cache';
import { noCounts, type CallCounts } from './call-counts';
import type { Kept } from './call-result';
import type { Directory, ProxyPorts, ProxyRequest, Transport } from './ports';
import type { ProxyListener } from './proxy-event';
import type { TargetPolicy } from './target-policy';

/** What the targets of a proxy have in common. */
export interface ProxyParts<E extends Endpoint, Request extends ProxyRequest, Answer> {
  readonly source: string;
  readonly directory: Directory<E>;
  readonly transport: Transport<E, Request, Answer>;
  readonly breakers: Breakers;
  readonly cache: AnswerCache<Kept<Answer>>;
  readonly ports: ProxyPorts;
  readonly tell: ProxyListener;
}

/** Strategies that choose by how long calls take. */
const TIMING: ReadonlySet<string> = new Set(['two-choices', 'adaptive']);

/** What all calls of this process to one target share: who is there, and how the target bears it. */
export class Target<E extends Endpoint, Request extends ProxyRequest, Answer> {
  readonly balancer: Balancer<E>;
  readonly retrier: Retrier;
  readonly bulkhead: Bulkhead;
  readonly limit: GradientLimit | undefined;
  readonly hedging: Hedging;
  readonly counts = noCounts();
  readonly now: () => number;
  readonly timeOuts: Clockwork;
  /** Whether it matters how long each call takes that goes well. */
  readonly isTimingAll: boolean;
  /** Whether endpoints are chosen by how long calls to them take. */
  readonly isTimingSome: boolean;
  private directoryRevision = Number.NaN;
  private breakersRevision = Number.NaN;
  private breaker: CircuitBreaker | undefined;

  /**
   * @param listed Who is there, as the directory says.
   * @throws {RangeError} A number of the policy makes no sense.
   */
  constructor(
    readonly name: string,
    readonly parts: ProxyParts<E, Request, Answer>,
    readonly policy: TargetPolicy,
    private readonly listed: () => readonly E[] | undefined,
  ) {
    const { ports } = parts;
    this.now = ports.now;
    this.balancer = new Balancer(policy.balancer, ports.chance);
    this.retrier = new Retrier(policy.retry, ports, new RetryBudget(policy.retryBudget));
    this.limit = policy.adaptive && new GradientLimit(policy.adaptive);
    this.bulkhead = new Bulkhead(policy.bulkhead, ports.timeOuts, this.limit);
    this.hedging = new Hedging(policy.hedge);
    this.timeOuts = ports.timeOuts;
    this.isTimingAll = this.limit !== undefined;
    this.isTimingSome = TIMING.has(policy.balancer.strategy);
    if (!(policy.timeoutMs > 0 && policy.timeoutMs < Infinity))
      throw new RangeError(`an attempt takes a bounded time, not ${policy.timeoutMs} ms`);
  }

  /**
   * Takes the directory's newest word, if there is one.
   *
   * @throws What the directory throws, until it can be asked: a call does not go where nobody may be any more.
   */
  refresh(nowMs: number): void {
    if (this.parts.directory.revision !== this.directoryRevision) this.list(nowMs);
  }

  /** What was counted since it was last asked; undefined: nothing. */
  tellCounts(): CallCounts | undefined {
    const told = { ...this.counts };
    Object.assign(this.counts, noCounts());
    return Object.values(told).some((count) => count > 0) ? told : undefined;
  }

  breakerFor(request: Request, nowMs: number): CircuitBreaker {
    const { breaker } = this;
    return breaker !== undefined && this.parts.breakers.revision === this.breakersRevision
      ? breaker
      : this.findBreaker(request, nowMs);
  }

  /** One that nothing opens. */
  private unbroken(nowMs: number): CircuitBreaker {
    if (!this.breaker) {
      this.breaker = new CircuitBreaker(CONSECUTIVE_POLICY, () => 0);
      this.breaker.force('forced-closed', Number.MAX_SAFE_INTEGER, 'it is to have none', nowMs);
    }
    this.breakersRevision = this.parts.breakers.revision;
    return this.breaker;
  }

  private list(nowMs: number): void {
    const { revision } = this.parts.directory;
    const listed = this.listed() ?? [];
    this.directoryRevision = revision;
    try {
      this.balancer.update(listed, nowMs);
    } catch (fault) {
      if (!(fault instanceof RangeError)) throw fault;
      this.parts.tell({ kind: 'list-refused', target: this.name, fault });
    }
  }

  private findBreaker({ method, path }: Request, nowMs: number): CircuitBreaker {
    const { breakers, source } = this.parts;
    if (!this.policy.hasBreaker) return this.unbroken(nowMs);
    if (breakers.revision !== this.breakersRevision) {
      this.breaker = breakers.soleOf(source, this.name, nowMs);
      // Making room for this one may have cost others theirs.
      this.breakersRevision = breakers.revision;
    }
    return this.breaker ?? breakers.of(source, this.name, `${method} ${path}`, nowMs);
  }
}
