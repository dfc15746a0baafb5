import { registryContract, type DataOf } from '@downbeat/contracts';
import { EventStore, execute, type Receipt } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import {
  checkStream,
  instanceCheck,
  serviceCheck,
  serviceCheckStream,
  type CheckCommand,
} from '@downbeat/health-domain';
import { causedBy, type Publication, type Reactor } from '@downbeat/publishing';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const { instanceRegistered, instanceTerminating, instanceRemoved, serviceCheckChanged } =
  registryContract;

/** An instance is checked from its registration until it goes away, as its service wants it. */
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
    const execution = { meta: causedBy(publication, this.consumer), receipt };
    const command = this.commandFor(publication);
    if (command) {
      const stream = checkStream(command.data.instance_id);
      await execute(this.store, instanceCheck, stream, command, execution);
      return 'applied';
    }
    if (publication.name !== serviceCheckChanged.name) return 'ignored';
    const data = publication.data as DataOf<typeof serviceCheckChanged>;
    const change = { type: 'ChangeServiceCheck', data, at: instantOf(this.clock.now()) } as const;
    const stream = serviceCheckStream(data.service_name);
    await execute(this.store, serviceCheck, stream, change, execution);
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
