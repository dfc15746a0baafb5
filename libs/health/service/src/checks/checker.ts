import { EventStore } from '@downbeat/event-store';
import { epochMs, type Recorded } from '@downbeat/eventsourcing';
import {
  effectiveCheck,
  planOf,
  serviceCheck,
  type CallEvidence,
  type CheckedStatus,
  type CheckEvent,
  type CheckPlan,
  type NeedsChanged,
  type ServiceCheck,
  type ServiceCheckChanged,
  type ServiceCheckEvent,
} from '@downbeat/health-domain';
import { LogFollower } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { CheckLog } from './check-log';
import { Inheritance } from './inheritance';
import { knownFrom, turnAsTold, type KnownInstance } from './known-instance';
import { Probing } from './probing';
import { Watch, type WatchParts } from './watch';
import { Replicas } from '../sharing/replicas';

type HealthEvent = CheckEvent | ServiceCheckEvent | NeedsChanged;

/** What is taken over is spread over this time, or over its interval when that is shorter. */
const TAKE_OVER_MS = 1_000;

/** Checks its share of all instances, each in its interval, and says when one crosses a threshold. */
@Injectable()
export class Checker {
  private readonly logger = new Logger(Checker.name);
  private readonly known = new Map<string, KnownInstance>();
  private readonly inheritance = new Inheritance();
  private readonly watches = new Map<string, Watch>();
  private readonly serviceChecks = new Map<string, ServiceCheck>();
  private readonly parts: WatchParts;
  private follower: LogFollower<HealthEvent> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly probing: Probing,
    private readonly log: CheckLog,
    private readonly replicas: Replicas,
  ) {
    this.parts = {
      probing,
      log,
      isOurs: (id) => this.replicas.owns(id),
      inheritedBy: (one, failing) => this.inheritance.of(one, failing),
      onTurned: (one) => this.inheritance.stands(one, this.log.now()),
      onFault: (fault, id) => this.complain(fault, id),
    };
  }

  /** Reads from the log what is to be checked, and follows it from there. */
  start(): void {
    this.follower = new LogFollower<HealthEvent>(this.store, 0, (events) => this.learnAll(events));
    this.follower.start();
    this.replicas.start(() => this.shareAll());
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
    for (const instanceId of [...this.watches.keys()]) this.unwatch(instanceId);
    this.known.clear();
    this.serviceChecks.clear();
    await this.replicas.stop();
  }

  status(): { readonly watched: number; readonly under_way: number } {
    return { watched: this.watches.size, under_way: this.probing.underWay };
  }

  /** How many of all instances stand how, as far as this replica has read the log. */
  standings(): ReadonlyMap<CheckedStatus, number> {
    const counts = new Map<CheckedStatus, number>();
    for (const { standing } of this.known.values()) {
      const status = standing?.status ?? 'starting';
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return counts;
  }

  /** What callers report of an instance that another replica checks is that one's business. */
  hearOfCalls(instanceId: string, evidence: CallEvidence): void {
    this.watches
      .get(instanceId)
      ?.hearOfCalls(evidence)
      .catch((fault: unknown) => this.complain(fault, instanceId));
  }

  /** What came and went within one slice of the log is not asked at all. */
  private learnAll(events: readonly Recorded<HealthEvent>[]): void {
    for (const event of events) this.learn(event);
    for (const { type, data } of events) if (type === 'CheckStarted') this.share(data.instance_id);
  }

  /** Every replica knows all instances; each checks those that are its own. */
  private shareAll(): void {
    for (const instanceId of this.known.keys()) this.share(instanceId);
  }

  private share(instanceId: string): void {
    const known = this.known.get(instanceId);
    if (known && this.replicas.owns(instanceId)) this.watchOver(known);
    else this.unwatch(instanceId);
  }

  private learn(event: Recorded<HealthEvent>): void {
    switch (event.type) {
      case 'CheckStarted':
        return this.begin(event);
      case 'StartupPassed':
        this.learnMore(event, (known) => (known.hasStarted = true));
        return;
      case 'HealthChanged':
        this.learnMore(event, (known) => {
          turnAsTold(known, event);
          this.inheritance.stands(known, epochMs(event.recorded_at));
        });
        return;
      case 'CheckStopped':
      case 'InstanceForgotten':
        return this.end(event);
      case 'NeedsChanged':
        return this.inheritance.learnNeeds(event);
      case 'ServiceCheckChanged':
        this.changeChecks(event);
        return;
      case 'ServiceForgotten':
        this.serviceChecks.delete(event.data.service_name);
        this.inheritance.forget(event.data.service_name);
    }
  }

  private begin(event: Extract<Recorded<HealthEvent>, { type: 'CheckStarted' }>): void {
    this.end(event);
    const known = knownFrom(event);
    this.known.set(event.data.instance_id, known);
    this.inheritance.came(known, known.sinceMs);
  }

  private end({ data, recorded_at }: Recorded<CheckEvent>): void {
    this.unwatch(data.instance_id);
    const known = this.known.get(data.instance_id);
    if (!known) return;
    this.known.delete(data.instance_id);
    this.inheritance.left(known, epochMs(recorded_at));
  }

  /** What this replica has written itself is no news. */
  private learnMore(
    { position, data }: Extract<Recorded<HealthEvent>, { type: 'StartupPassed' | 'HealthChanged' }>,
    change: (known: KnownInstance) => void,
  ): void {
    const known = this.known.get(data.instance_id);
    if (!known || position <= known.position) return;
    known.position = position;
    change(known);
    this.watches.get(data.instance_id)?.adopt();
  }

  private changeChecks(event: ServiceCheckChanged): void {
    const { service_name } = event.data;
    const before = this.serviceChecks.get(service_name) ?? serviceCheck.initialState;
    this.serviceChecks.set(service_name, serviceCheck.evolve(before, event));
    for (const watch of this.watches.values())
      if (watch.known.checked.service_name === service_name)
        watch.changePlan(this.planFor(watch.known));
  }

  private planFor({ checked }: KnownInstance): CheckPlan {
    return planOf(effectiveCheck(checked.check, this.serviceChecks.get(checked.service_name)));
  }

  private watchOver(known: KnownInstance): void {
    const { instance_id } = known.checked;
    if (this.watches.has(instance_id)) return;
    const plan = this.planFor(known);
    const watch = new Watch(known, plan, this.parts);
    this.watches.set(instance_id, watch);
    const { intervalMs } = plan.readiness;
    // Of what nobody has asked yet, the first answer is waited for.
    watch.begin(known.standing ? Math.random() * Math.min(intervalMs, TAKE_OVER_MS) : 0);
  }

  private complain(fault: unknown, instance_id: string): void {
    this.logger.error({ err: fault, instance_id }, 'a check broke');
  }

  private unwatch(instanceId: string): void {
    this.watches.get(instanceId)?.end();
    this.watches.delete(instanceId);
  }
}
