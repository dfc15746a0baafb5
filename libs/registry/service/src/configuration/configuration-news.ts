import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import type { Position, Recorded } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import type {
  ConfigurationAcknowledged,
  ConfigurationEvent,
  InstanceEvent,
} from '@downbeat/registry-domain';
import { LogFollower } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { GateWatch } from './gate-watch';

type News = ConfigurationEvent | ConfigurationAcknowledged | InstanceEvent;

/**
 * Positions before the start that are told of again: a registry that was killed may have had no time to. Who
 * has heard of them asks once more, and is told that nothing has changed.
 */
const TOLD_AGAIN = 1_000;

/** Follows the log: instances are told when another configuration is in force, and gates are looked at when something may be wrong. */
@Injectable()
export class ConfigurationNews {
  private follower: LogFollower<News> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly gates: GateWatch,
  ) {}

  async start(): Promise<void> {
    const from = Math.max(0, (await this.store.head()) - TOLD_AGAIN) as Position;
    this.follower = new LogFollower<News>(this.store, from, (events) => {
      for (const event of events) this.tell(event);
    });
    this.follower.start();
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
  }

  private tell(event: Recorded<News>): void {
    const { position } = event;
    switch (event.type) {
      case 'ConfigurationActivated': {
        const { service_id, environment, checksum } = event.data;
        return this.hint({ service_id, environment, checksum, position });
      }
      case 'ActivationReverted': {
        const { service_id, environment, to_checksum: checksum } = event.data;
        return this.hint({ service_id, environment, checksum, position });
      }
      case 'ConfigurationAcknowledged':
        return event.data.outcome === 'refused' ? this.gates.hurry() : undefined;
      case 'InstanceHealthObserved':
        return event.data.status === 'unhealthy' ? this.gates.hurry() : undefined;
      case 'InstanceTerminating':
        return this.gates.hurry();
      case 'ConfigurationCreated':
      case 'ActivationConfirmed':
      case 'InstanceRegistered':
      case 'InstanceSessionMoved':
      case 'InstanceAdjusted':
      case 'InstanceLifecycleAnnounced':
      case 'InstanceSuppressed':
      case 'InstanceReleased':
      case 'InstanceRemoved':
        return undefined;
    }
  }

  private hint(news: {
    readonly service_id: string;
    readonly environment: string;
    readonly checksum: string | undefined;
    readonly position: number;
  }): void {
    this.bus.hint(registryContract.CONFIGURATION_HINT, news);
  }
}
