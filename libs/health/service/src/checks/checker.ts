import type { DataOf, registryContract } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type Recorded } from '@downbeat/eventsourcing';
import {
  checkStream,
  effectiveCheck,
  instanceCheck,
  observe,
  requestOf,
  serviceCheck,
  unobserved,
  type CheckEvent,
  type CheckResult,
  type Observation,
  type ServiceCheck,
  type ServiceCheckChanged,
} from '@downbeat/health-domain';
import { newTraceparent } from '@downbeat/message-bus';
import { Clock, LogFollower, newId } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { InstanceProbes } from './probes/instance-probes';

type Checked = DataOf<typeof registryContract.instanceRegistered>;

/** Checks that run at once; the others wait their turn. */
const UNDER_WAY_MAX = 128;
/** Share of the interval that is left to chance, so that checks do not march in step. */
const JITTER = 0.1;

interface Watch {
  readonly checked: Checked;
  observation: Observation;
  timer: NodeJS.Timeout | undefined;
  isUnderWay: boolean;
}

type HealthEvent = CheckEvent | ServiceCheckChanged;

/** Checks every instance in its interval, and says when one crosses a threshold. */
@Injectable()
export class Checker {
  private readonly logger = new Logger(Checker.name);
  private readonly watches = new Map<string, Watch>();
  private readonly serviceChecks = new Map<string, ServiceCheck>();
  private follower: LogFollower<HealthEvent> | undefined;
  private underWay = 0;

  constructor(
    private readonly store: EventStore,
    private readonly probes: InstanceProbes,
    private readonly clock: Clock,
  ) {}

  /** Reads from the log what is to be checked, and follows it from there. */
  start(): void {
    this.follower = new LogFollower<HealthEvent>(this.store, 0, (events) => {
      for (const event of events) this.learn(event);
    });
    this.follower.start();
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
    for (const instanceId of [...this.watches.keys()]) this.unwatch(instanceId);
    this.serviceChecks.clear();
  }

  status(): { readonly watched: number; readonly under_way: number } {
    return { watched: this.watches.size, under_way: this.underWay };
  }

  private learn(event: Recorded<HealthEvent>): void {
    switch (event.type) {
      case 'CheckStarted':
        this.unwatch(event.data.instance_id);
        this.watch(event.data);
        return;
      case 'HealthChanged': {
        const watch = this.watches.get(event.data.instance_id);
        if (watch) watch.observation = { ...watch.observation, status: event.data.status };
        return;
      }
      case 'CheckStopped':
      case 'InstanceForgotten':
        this.unwatch(event.data.instance_id);
        return;
      case 'ServiceCheckChanged':
        this.changeChecks(event);
    }
  }

  /** From now on, not from the end of an interval that may be an hour. */
  private changeChecks(event: ServiceCheckChanged): void {
    const { service_name } = event.data;
    const before = this.serviceChecks.get(service_name) ?? serviceCheck.initialState;
    this.serviceChecks.set(service_name, serviceCheck.evolve(before, event));
    for (const watch of this.watches.values()) {
      if (watch.checked.service_name !== service_name) continue;
      // Results in a row were counted against other thresholds.
      watch.observation = { ...unobserved, status: watch.observation.status };
      if (!watch.isUnderWay) this.schedule(watch, 0);
    }
  }

  private checkOf({ checked }: Watch) {
    return effectiveCheck(checked.check, this.serviceChecks.get(checked.service_name));
  }

  private watch(checked: Checked): void {
    const watch: Watch = { checked, observation: unobserved, timer: undefined, isUnderWay: false };
    this.watches.set(checked.instance_id, watch);
    this.schedule(watch, 0);
  }

  private unwatch(instanceId: string): void {
    clearTimeout(this.watches.get(instanceId)?.timer);
    this.watches.delete(instanceId);
  }

  private schedule(watch: Watch, delayMs: number): void {
    clearTimeout(watch.timer);
    watch.timer = setTimeout(() => {
      this.turn(watch).catch((fault: unknown) =>
        this.logger.error({ err: fault, instance_id: watch.checked.instance_id }, 'a check broke'),
      );
    }, delayMs);
  }

  private async turn(watch: Watch): Promise<void> {
    const { instance_id } = watch.checked;
    const check = this.checkOf(watch);
    if (this.underWay >= UNDER_WAY_MAX) return this.schedule(watch, this.intervalOf(watch) / 10);
    this.underWay++;
    watch.isUnderWay = true;
    try {
      const result = await this.probes.run(requestOf(check, check), check.timeout_ms);
      if (result && this.watches.get(instance_id) === watch) await this.take(watch, result);
    } finally {
      this.underWay--;
      watch.isUnderWay = false;
      if (this.watches.get(instance_id) === watch) this.schedule(watch, this.intervalOf(watch));
    }
  }

  private intervalOf(watch: Watch): number {
    const { interval_ms, jitter = JITTER } = this.checkOf(watch);
    return interval_ms * (1 + jitter * (Math.random() - 0.5));
  }

  private async take(watch: Watch, result: CheckResult): Promise<void> {
    const { instance_id, service_name } = watch.checked;
    const before = watch.observation;
    const now = observe(before, result, this.checkOf(watch));
    if (now.status === before.status || now.status === 'starting') {
      watch.observation = now;
      return;
    }
    const at = instantOf(this.clock.now());
    const id = newId();
    // Nobody asked for it: what happens because of it begins here.
    const traceparent = newTraceparent();
    const meta = { correlation_id: id, causation_id: id, actor: 'health-checker', traceparent };
    const crossed = {
      service_name,
      instance_id,
      status: now.status,
      failures: now.failures,
      detail: result.detail,
      checked_at: at,
    };
    // Only once it is recorded does it count here: otherwise the next result crosses again.
    await execute(
      this.store,
      instanceCheck,
      checkStream(instance_id),
      { type: 'CrossThreshold', data: crossed, at },
      { meta },
    );
    watch.observation = now;
  }
}
