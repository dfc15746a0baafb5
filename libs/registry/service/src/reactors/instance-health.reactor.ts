import { healthContract, type DataOf } from '@downbeat/contracts';
import { intent, type Intent } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { causedBy, type Publication, type Reactor } from '@downbeat/publishing';
import { instanceRegistration, instanceStream } from '@downbeat/registry-domain';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const { instanceHealthChanged } = healthContract;

/** When the checks say that an instance works or not, its place in the lookup follows. */
@Injectable()
export class InstanceHealthReactor implements Reactor {
  readonly consumer = 'registry-instance-health';
  readonly source = 'health';

  constructor(private readonly clock: Clock) {}

  readonly intentFor = (publication: Publication): Intent | undefined => {
    if (publication.name !== instanceHealthChanged.name) return undefined;
    const { service_name, ...observed } = publication.data as DataOf<typeof instanceHealthChanged>;
    const data = { ...observed, service_id: service_name };
    const command = { type: 'ObserveHealth', data, at: instantOf(this.clock.now()) } as const;
    const stream = instanceStream(observed.instance_id);
    return intent(instanceRegistration, stream, command, causedBy(publication, this.consumer));
  };
}
