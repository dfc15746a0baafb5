import { EventStore, execute } from '@downbeat/event-store';
import { Fault, instantOf, type EventMeta } from '@downbeat/eventsourcing';
import {
  expiryAllowance,
  instanceRegistration,
  instanceStream,
  type InstanceCommand,
} from '@downbeat/registry-domain';
import { Clock, HostSettings, loadConfig, newId, Periodic } from '@downbeat/service-host';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import type { z } from 'zod';
import { instanceConfig } from '../registry-config';
import { Hearing } from './hearing';
import { Heartbeats } from './heartbeats';

const LOOK_EVERY_MS = 500;
const BATCH_MAX = 200;
const SERVICE_RETIRED = 'service-retired';
/** Takes silent instances out of service, and those that have gone out of the list. */
@Injectable()
export class Housekeeping {
  private readonly periodic = new Periodic('registry housekeeping', LOOK_EVERY_MS, () =>
    this.look(),
  );

  private readonly logger = new Logger(Housekeeping.name);
  private readonly config: z.output<typeof instanceConfig>;
  /** Silent instances that are kept, as too many of their service are. */
  private heldBack = 0;
  private wasHoldingBack = false;
  private readonly hearing: Hearing;

  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly store: EventStore,
    private readonly clock: Clock,
    bus: MessageBus,
    settings: HostSettings,
  ) {
    this.hearing = new Hearing(bus, { listenAnew: () => heartbeats.listenAnew() });
    this.config = loadConfig(instanceConfig, settings.environment);
  }

  start(): void {
    this.hearing.start();
    this.periodic.start();
  }

  async stop(): Promise<void> {
    this.hearing.stop();
    await this.periodic.stop();
  }

  /** Whom a broken bus, its streams or the database kept from being heard must not count as silent. */
  private async look(): Promise<void> {
    await this.hearing.whileHearing(() => this.tidy());
  }

  private async tidy(): Promise<void> {
    await this.expire();
    for (const { now, ...names } of await this.heartbeats.suppressionOver(BATCH_MAX))
      await this.decide({ type: 'ReleaseInstance', data: names, at: instantOf(now.getTime()) });
    const unusableMs = this.config.REGISTRY_UNUSABLE_MS;
    for (const { now: _, ...names } of await this.heartbeats.unusableFor(unusableMs, BATCH_MAX)) {
      const data = { ...names, unusable_for_ms: unusableMs };
      await this.decide({ type: 'GiveUpInstance', data, at: this.now() });
    }
    for (const names of await this.heartbeats.ofRetiredServices(BATCH_MAX)) {
      const data = { ...names, reason: SERVICE_RETIRED };
      await this.decide({ type: 'DeregisterInstance', data, at: this.now() });
    }
    for (const gone of await this.heartbeats.terminatedFor(
      this.config.REGISTRY_TERMINATING_MS,
      BATCH_MAX,
    )) {
      await this.decide({ type: 'RemoveInstance', data: gone, at: this.now() });
      await this.heartbeats.forget(gone.instance_id);
    }
  }

  /** When most instances of a service fall silent at once, all but a share are kept for now. */
  private async expire(): Promise<void> {
    const { REGISTRY_EXPIRY_SHARE_MAX: share, REGISTRY_TERMINATING_MS: listedMs } = this.config;
    // Those that are listed no more cannot be counted.
    const windowMs = Math.min(this.config.REGISTRY_EXPIRY_WINDOW_MS, listedMs);
    const left = new Map<string, number>();
    this.heldBack = 0;
    const found = await this.heartbeats.silent(BATCH_MAX, windowMs);
    for (const { registered, given_up, ...silent } of found) {
      const { service_id } = silent;
      const allowed = left.get(service_id) ?? expiryAllowance(registered, given_up, share);
      left.set(service_id, Math.max(0, allowed - 1));
      if (allowed > 0) await this.decide({ type: 'ExpireInstance', data: silent, at: this.now() });
      else this.heldBack++;
    }
    if (this.heldBack > 0 && !this.wasHoldingBack)
      this.logger.warn(
        { held_back: this.heldBack },
        'too many instances are silent at once: most are kept for now',
      );
    this.wasHoldingBack = this.heldBack > 0;
  }

  private now() {
    return instantOf(this.clock.now());
  }

  private async decide(command: InstanceCommand): Promise<void> {
    const id = newId();
    const meta: EventMeta = {
      correlation_id: id,
      causation_id: id,
      actor: 'registry-housekeeping',
    };
    const stream = instanceStream(command.data.instance_id);
    try {
      await execute(this.store, instanceRegistration, stream, command, { meta });
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      // It is looked at again next time; the others are not to wait for it.
      const { instance_id } = command.data;
      this.logger.warn({ err: fault, instance_id, command: command.type }, 'not decided');
    }
  }
}
