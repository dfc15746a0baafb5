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
import { registryConfig } from '../registry-config';
import { Heartbeats } from './heartbeats';

const LOOK_EVERY_MS = 500;
const BATCH_MAX = 200;
/** Takes silent instances out of service, and those that have gone out of the list. */
@Injectable()
export class Housekeeping {
  private readonly periodic = new Periodic('registry housekeeping', LOOK_EVERY_MS, () =>
    this.look(),
  );

  private readonly logger = new Logger(Housekeeping.name);
  private readonly config: z.output<typeof registryConfig>;
  /** Silent instances that are kept, as too many of their service are. */
  private heldBack = 0;
  private wasHoldingBack = false;
  /** Something may have been said that did not get here. */
  private isDeaf = false;
  private forget: () => void = () => undefined;

  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly bus: MessageBus,
    settings: HostSettings,
  ) {
    this.config = loadConfig(registryConfig, settings.environment);
  }

  start(): void {
    this.forget = this.bus.onReconnect(() => (this.isDeaf = true));
    this.periodic.start();
  }

  async stop(): Promise<void> {
    this.forget();
    await this.periodic.stop();
  }

  /** Whom a broken bus or database kept from being heard must not count as silent. */
  private async look(): Promise<void> {
    const wasDeaf = this.isDeaf;
    this.isDeaf = this.bus.status() !== 'connected';
    if (this.isDeaf) return;
    try {
      if (wasDeaf) await this.heartbeats.listenAnew();
      await this.tidy();
    } catch (fault) {
      this.isDeaf = true;
      throw fault;
    }
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
    for (const { registered, given_up, ...silent } of await this.heartbeats.silent(
      BATCH_MAX,
      windowMs,
    )) {
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
