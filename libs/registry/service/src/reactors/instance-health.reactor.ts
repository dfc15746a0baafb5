import { healthContract, type DataOf } from '@downbeat/contracts';
import { EventStore, execute, type Receipt } from '@downbeat/event-store';
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

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  readonly apply = async (
    publication: Publication,
    receipt: Receipt,
  ): Promise<'applied' | 'ignored'> => {
    if (publication.name !== instanceHealthChanged.name) return 'ignored';
    const { service_name, ...observed } = publication.data as DataOf<typeof instanceHealthChanged>;
    await execute(
      this.store,
      instanceRegistration,
      instanceStream(observed.instance_id),
      {
        type: 'ObserveHealth',
        data: { ...observed, service_id: service_name },
        at: instantOf(this.clock.now()),
      },
      { meta: causedBy(publication, this.consumer), receipt },
    );
    return 'applied';
  };
}
