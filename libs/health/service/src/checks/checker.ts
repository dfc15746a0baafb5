import type { DataOf, registryContract } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type Recorded } from '@downbeat/eventsourcing';
import {
  checkStream,
  instanceCheck,
  observe,
  unobserved,
  type CheckEvent,
  type CheckResult,
  type Observation,
} from '@downbeat/health-domain';
import { Clock, LogFollower, newId } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { HttpCheck } from './http-check';

type Checked = DataOf<typeof registryContract.instanceRegistered>;

/** Checks that run at once; the others wait their turn. */
const UNDER_WAY_MAX = 128;
/** Share of the interval that is left to chance, so that checks do not march in step. */
const JITTER = 0.1;

interface Watch {
  readonly checked: Checked;
  observation: Observation;
  timer: NodeJS.Timeout | undefined;
}

/** Checks every instance in its interval, and says when one crosses a threshold. */
@Injectable()
export class Checker {
  private readonly logger = new Logger(Checker.name);
  private readonly watches = new Map<string, Watch>();
  private follower: LogFollower<CheckEvent> | undefined;
  private underWay = 0;

  constructor(
    private readonly store: EventStore,
    private readonly httpCheck: HttpCheck,
    private readonly clock: Clock,
  ) {}

  /** Reads from the log what is to be checked, and follows it from there. */
  start(): void {
    this.follower = new LogFollower<CheckEvent>(this.store, 0, (events) => {
      for (const event of events) this.learn(event);
    });
    this.follower.start();
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
    for (const instanceId of [...this.watches.keys()]) this.unwatch(instanceId);
  }

  status(): { readonly watched: number; readonly under_way: number } {
    return { watched: this.watches.size, under_way: this.underWay };
  }

  private learn(event: Recorded<CheckEvent>): void {
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
    }
  }

  private watch(checked: Checked): void {
    const watch: Watch = { checked, observation: unobserved, timer: undefined };
    this.watches.set(checked.instance_id, watch);
    this.schedule(watch, 0);
  }

  private unwatch(instanceId: string): void {
    clearTimeout(this.watches.get(instanceId)?.timer);
    this.watches.delete(instanceId);
  }

  private schedule(watch: Watch, delayMs: number): void {
    watch.timer = setTimeout(() => {
      this.turn(watch).catch((fault: unknown) =>
        this.logger.error({ err: fault, instance_id: watch.checked.instance_id }, 'a check broke'),
      );
    }, delayMs);
  }

  private async turn(watch: Watch): Promise<void> {
    const { instance_id, check } = watch.checked;
    const interval = check.interval_ms * (1 + JITTER * (Math.random() - 0.5));
    if (this.underWay >= UNDER_WAY_MAX) return this.schedule(watch, interval / 10);
    this.underWay++;
    try {
      const result = await this.httpCheck.run(check.url, check.timeout_ms);
      if (this.watches.get(instance_id) === watch) await this.take(watch, result);
    } finally {
      this.underWay--;
      if (this.watches.get(instance_id) === watch) this.schedule(watch, interval);
    }
  }

  private async take(watch: Watch, result: CheckResult): Promise<void> {
    const { instance_id, service_name, check } = watch.checked;
    const before = watch.observation;
    const now = observe(before, result, check);
    if (now.status === before.status || now.status === 'starting') {
      watch.observation = now;
      return;
    }
    const at = instantOf(this.clock.now());
    const id = newId();
    const meta = { correlation_id: id, causation_id: id, actor: 'health-checker' };
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
