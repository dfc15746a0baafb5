import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { instanceRegistration, instanceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class AnnounceLifecycle extends commandOf(registryContract.announceLifecycle) {}

@CommandHandler(AnnounceLifecycle)
export class AnnounceLifecycleHandler implements ICommandHandler<AnnounceLifecycle> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: AnnounceLifecycle) {
    const stream = instanceStream(data.instance_id);
    const command = { type: 'AnnounceLifecycle', data, at } as const;
    return carryOut(this.store, instanceRegistration, stream, command, cause, () => ({
      instance_id: data.instance_id,
      lifecycle: data.lifecycle,
    }));
  }
}
