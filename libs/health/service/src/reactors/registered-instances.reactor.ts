import { registryContract, type DataOf } from '@downbeat/contracts';
import { EventStore, execute, type Receipt } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import {
  checkStream,
  instanceCheck,
  needOf,
  needsStream,
  serviceCheck,
  serviceCheckStream,
  serviceNeeds,
  type CheckCommand,
} from '@downbeat/health-domain';
import { causedBy, type Publication, type Reactor } from '@downbeat/publishing';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const {
  dependenciesDeclared,
  instanceRegistered,
  instanceTerminating,
  instanceRemoved,
  serviceCheckChanged,
} = registryContract;

/** An instance is checked from its registration until it goes away, as its service wants it; and what that one needs is known. */
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
    if (publication.name === dependenciesDeclared.name) {
      const { service_name, dependencies } = publication.data as DataOf<
        typeof dependenciesDeclared
      >;
      const data = { service_name, dependencies: dependencies.map(needOf) };
      const change = { type: 'ChangeNeeds', data, at: instantOf(this.clock.now()) } as const;
      await execute(this.store, serviceNeeds, needsStream(service_name), change, execution);
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
