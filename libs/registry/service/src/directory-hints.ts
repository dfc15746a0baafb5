import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import type { InstanceEvent, RegistrationEvent } from '@downbeat/registry-domain';
import { LogFollower } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

/** Tells everyone who keeps a snapshot of the directory that it is out of date. */
@Injectable()
export class DirectoryHints {
  private follower: LogFollower<RegistrationEvent | InstanceEvent> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  async start(): Promise<void> {
    this.follower = new LogFollower(this.store, await this.store.head(), (events) => {
      const position = events.at(-1)?.position ?? 0;
      this.bus.hint(registryContract.DIRECTORY_HINT, { position });
    });
    this.follower.start();
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
  }
}
