import { registryContract, type DataOf } from '@downbeat/contracts';
import { EventStore, execute, type Receipt } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { checkStream, instanceCheck, type CheckCommand } from '@downbeat/health-domain';
import { causedBy, type Publication, type Reactor } from '@downbeat/publishing';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const { instanceRegistered, instanceTerminating, instanceRemoved } = registryContract;

/** An instance is checked from its registration until it goes away. */
@Injectable()
export class RegisteredInstancesReactor implements Reactor {
  readonly consumer = 'health-registered-instances';
  readonly source = 'registry';

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  readonly apply = async (
    publication: Publication,
    receipt: Receipt,
  ): Promise<'applied' | 'ignored'> => {
    const command = this.commandFor(publication);
    if (!command) return 'ignored';
    const stream = checkStream(command.data.instance_id);
    const meta = causedBy(publication, this.consumer);
    await execute(this.store, instanceCheck, stream, command, { meta, receipt });
    return 'applied';
  };

  private commandFor({ name, data }: Publication): CheckCommand | undefined {
    const at = instantOf(this.clock.now());
    if (name === instanceRegistered.name)
      return { type: 'StartChecking', data: data as DataOf<typeof instanceRegistered>, at };
    if (name === instanceTerminating.name)
      return { type: 'StopChecking', data: data as DataOf<typeof instanceTerminating>, at };
    if (name === instanceRemoved.name)
      return { type: 'ForgetInstance', data: data as DataOf<typeof instanceRemoved>, at };
    return undefined;
  }
}
