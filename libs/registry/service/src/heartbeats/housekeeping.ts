import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type EventMeta } from '@downbeat/eventsourcing';
import {
  instanceRegistration,
  instanceStream,
  type InstanceCommand,
} from '@downbeat/registry-domain';
import { Clock, HostSettings, loadConfig, newId, Periodic } from '@downbeat/service-host';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable } from '@nestjs/common';
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

  private readonly terminatingMs: number;
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
    const config = loadConfig(registryConfig, settings.environment);
    this.terminatingMs = config.REGISTRY_TERMINATING_MS;
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
    for (const silent of await this.heartbeats.silent(BATCH_MAX))
      await this.decide({ type: 'ExpireInstance', data: silent, at: this.now() });
    for (const gone of await this.heartbeats.terminatedFor(this.terminatingMs, BATCH_MAX)) {
      await this.decide({ type: 'RemoveInstance', data: gone, at: this.now() });
      await this.heartbeats.forget(gone.instance_id);
    }
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
    await execute(this.store, instanceRegistration, stream, command, { meta });
  }
}
