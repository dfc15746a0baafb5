import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type EventMeta } from '@downbeat/eventsourcing';
import { instanceRegistration, instanceStream, type InstanceCommand } from '@downbeat/registry-domain';
import { Clock, newId, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Heartbeats } from './heartbeats';

const LOOK_EVERY_MS = 500;
const BATCH_MAX = 200;
/** How long an instance that has gone is still listed as terminating. */
const TERMINATING_MS = 30_000;

/** Takes silent instances out of service, and those that have gone out of the list. */
@Injectable()
export class Housekeeping {
  private readonly periodic = new Periodic('registry housekeeping', LOOK_EVERY_MS, () =>
    this.look(),
  );

  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  private async look(): Promise<void> {
    for (const silent of await this.heartbeats.silent(BATCH_MAX))
      await this.decide({ type: 'ExpireInstance', data: silent, at: this.now() });
    for (const gone of await this.heartbeats.terminatedFor(TERMINATING_MS, BATCH_MAX)) {
      await this.decide({ type: 'RemoveInstance', data: gone, at: this.now() });
      await this.heartbeats.forget(gone.instance_id);
    }
  }

  private now() {
    return instantOf(this.clock.now());
  }

  private async decide(command: InstanceCommand): Promise<void> {
    const id = newId();
    const meta: EventMeta = {
      correlation_id: id,
      causation_id: id,
      actor: 'registry-housekeeping',
    };
    const stream = instanceStream(command.data.instance_id);
    await execute(this.store, instanceRegistration, stream, command, { meta });
  }
}
