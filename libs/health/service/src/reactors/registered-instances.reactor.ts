import { registryContract, type DataOf } from '@downbeat/contracts';
import { intent, type Intent } from '@downbeat/event-store';
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
  serviceRetired,
} = registryContract;

/** An instance is checked from its registration until it goes away, as its service wants it; and what that one needs is known. */
@Injectable()
export class RegisteredInstancesReactor implements Reactor {
  readonly consumer = 'health-registered-instances';
  readonly source = 'registry';

  constructor(private readonly clock: Clock) {}

  readonly intentFor = (publication: Publication): Intent | undefined => {
    const meta = causedBy(publication, this.consumer);
    const command = this.commandFor(publication);
    if (command) return intent(instanceCheck, checkStream(command.data.instance_id), command, meta);
    const at = instantOf(this.clock.now());
    if (publication.name === dependenciesDeclared.name) {
      const { service_name, dependencies } = publication.data as DataOf<
        typeof dependenciesDeclared
      >;
      const data = { service_name, dependencies: dependencies.map(needOf) };
      const change = { type: 'ChangeNeeds', data, at } as const;
      return intent(serviceNeeds, needsStream(service_name), change, meta);
    }
    if (publication.name === serviceRetired.name) {
      const { service_name } = publication.data as DataOf<typeof serviceRetired>;
      const forget = { type: 'ForgetService', data: { service_name }, at } as const;
      return intent(serviceCheck, serviceCheckStream(service_name), forget, meta);
    }
    if (publication.name !== serviceCheckChanged.name) return undefined;
    const data = publication.data as DataOf<typeof serviceCheckChanged>;
    const change = { type: 'ChangeServiceCheck', data, at } as const;
    return intent(serviceCheck, serviceCheckStream(data.service_name), change, meta);
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
