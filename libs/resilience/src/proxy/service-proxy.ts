import type { Endpoint } from '../balancing/endpoint';
import type { EndpointCounts } from '../balancing/balancer';
import type { Standing } from '../balancing/standing';
import { Breakers } from '../breaker/breakers';
import { AnswerCache, type CacheBounds } from '../caching/answer-cache';
import type { Invalidation } from '../caching/invalidation';
import { sizeOfAnswer } from '../caching/answer-size';
import { noCounts, type CallCounts } from './call-counts';
import { plainPlan } from './call-plan';
import { CallFailure, type Kept } from './call-result';
import type { Directory, ProxyPorts, ProxyRequest, Transport } from './ports';
import type { ProxyListener } from './proxy-event';
import { ServiceHandle } from './service-handle';
import { Target, type ProxyParts } from './target';
import { TARGET_POLICY, type TargetPolicy } from './target-policy';
import { TargetTable } from './target-table';

export interface ServiceProxyOptions<E extends Endpoint, Request extends ProxyRequest, Answer> {
  /** The name of the service that calls: its breakers are its own. */
  readonly source: string;
  readonly directory: Directory<E>;
  readonly transport: Transport<E, Request, Answer>;
  readonly ports: ProxyPorts;
  /** Default: breakers of its own, without rules. */
  readonly breakers?: Breakers;
  /** What differs from {@link TARGET_POLICY} for a target; asked once for each. */
  readonly policyOf?: (target: string) => Partial<TargetPolicy>;
  readonly cacheBounds?: CacheBounds;
  /** Bytes of an answer; default: about as much as it is as JSON. */
  readonly sizeOf?: (answer: Answer) => number | undefined;
  readonly onEvent?: ProxyListener;
  /** Targets that are kept; default 1,000. */
  readonly targetsMax?: number;
}

/** What happened at a target since it was last told. */
export interface TargetReport extends CallCounts {
  readonly target: string;
  readonly endpoints: readonly EndpointCounts[];
}

/** What stands at a target now. */
export interface TargetView<E extends Endpoint> {
  readonly target: string;
  readonly underWay: number;
  readonly waiting: number;
  readonly concurrencyMax: number;
  readonly endpoints: readonly Standing<E>[];
}

const TARGETS_MAX = 1_000;
/** Of a failure that is kept: that there is nothing. */
const FAILURE_BYTES = 512;

/** The way to other services: `proxy.service('billing').withDeadline(300).call({ method, path })`. */
export class ServiceProxy<E extends Endpoint, Request extends ProxyRequest, Answer> {
  private readonly parts: ProxyParts<E, Request, Answer>;
  private readonly plan = plainPlan<Request, Answer>();
  private readonly targets: TargetTable<E, Request, Answer>;

  constructor(private readonly options: ServiceProxyOptions<E, Request, Answer>) {
    const { source, directory, transport, ports, sizeOf = sizeOfAnswer } = options;
    const tell = options.onEvent ?? (() => undefined);
    this.parts = {
      source,
      directory,
      transport,
      ports,
      breakers: options.breakers ?? ownBreakers(ports, tell),
      cache: new AnswerCache<Kept<Answer>>(options.cacheBounds, (kept) =>
        kept instanceof CallFailure ? FAILURE_BYTES : sizeOf(kept.answer),
      ),
      tell,
    };
    this.targets = new TargetTable(options.targetsMax ?? TARGETS_MAX);
  }

  get breakers(): Breakers {
    return this.parts.breakers;
  }

  service(name: string): ServiceHandle<E, Request, Answer> {
    const target =
      this.targets.find(name) ?? this.make(name, () => this.parts.directory.lookup(name));
    return new ServiceHandle(target, this.plan);
  }

  /**
   * Whoever has a capability, whichever service it belongs to; it is a target of its own, with a
   * breaker of its own.
   *
   * @param range Of the capability's versions, as npm writes it, such as `^1.2.0`; default any.
   * @param environment That of the services; default the one that the directory looks in.
   */
  serviceByCapability(
    name: string,
    range?: string,
    environment?: string,
  ): ServiceHandle<E, Request, Answer> {
    const version = range === undefined ? '' : `@${range}`;
    const where = environment === undefined ? '' : ` in ${environment}`;
    const title = `capability:${name}${version}${where}`;
    const listed = () => this.parts.directory.lookupCapability(name, range, environment);
    return new ServiceHandle(this.targets.find(title) ?? this.make(title, listed), this.plan);
  }

  /** @param what Keys begin with the target, as in `billing GET /invoices/42`. @returns How many went. */
  invalidate(what: Invalidation): number {
    return this.parts.cache.invalidate(what);
  }

  /** What happened since it was last asked, where something did: for whoever reports in batches. */
  *tell(): Generator<TargetReport> {
    for (const target of this.targets) {
      const counts = target.tellCounts();
      const endpoints = [...target.balancer.tell()];
      if (counts || endpoints.length > 0)
        yield { target: target.name, ...(counts ?? noCounts()), endpoints };
    }
  }

  /** Changes nothing. */
  view(): readonly TargetView<E>[] {
    const nowMs = this.parts.ports.now();
    return [...this.targets].map(({ name, bulkhead, balancer }) => ({
      target: name,
      underWay: bulkhead.underWay,
      waiting: bulkhead.waiting,
      concurrencyMax: bulkhead.max,
      endpoints: balancer.standings(nowMs),
    }));
  }

  private make(name: string, listed: () => readonly E[] | undefined): Target<E, Request, Answer> {
    const policy = { ...TARGET_POLICY, ...this.options.policyOf?.(name) };
    const target = new Target(name, this.parts, policy, listed);
    this.targets.add(target);
    return target;
  }
}

const ownBreakers = ({ chance }: ProxyPorts, tell: ProxyListener): Breakers =>
  new Breakers({
    chance,
    onTransition: (key, transition) =>
      tell({ kind: 'breaker-changed', target: key.target, key, transition }),
  });
