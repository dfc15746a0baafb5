import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Heartbeats } from '../heartbeats/heartbeats';

export class Heartbeat extends commandOf(registryContract.heartbeat) {}

/** A heartbeat is telemetry, not a fact to keep for ever: it moves a time, and only its absence is an event. */
@CommandHandler(Heartbeat)
export class HeartbeatHandler implements ICommandHandler<Heartbeat> {
  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly store: EventStore,
  ) {}

  async execute({ data }: Heartbeat) {
    const rejection = await this.heartbeats.note(data);
    if (rejection) return refused(rejection);
    return accepted(await this.store.head(), { instance_id: data.instance_id });
  }
}
