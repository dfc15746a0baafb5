import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold } from '@downbeat/eventsourcing';
import {
  configurationHolder,
  holderStream,
  instanceRegistration,
  instanceStream,
  ofAnotherService,
  unknownInstance,
  type InstanceEvent,
} from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { KnownHistories } from '../configuration/known-histories';

export class AcknowledgeConfiguration extends commandOf(
  registryContract.acknowledgeConfiguration,
) {}

@CommandHandler(AcknowledgeConfiguration)
export class AcknowledgeConfigurationHandler implements ICommandHandler<AcknowledgeConfiguration> {
  constructor(
    private readonly store: EventStore,
    private readonly histories: KnownHistories,
  ) {}

  async execute({ data, at, cause }: AcknowledgeConfiguration) {
    const { service_id, instance_id, environment } = data;
    const past = await this.store.load<InstanceEvent>(instanceStream(instance_id));
    const instance = fold(instanceRegistration, past);
    if (instance.status === 'absent') return refused(unknownInstance(instance_id));
    const other = ofAnotherService(data, instance);
    if (other) return refused(other);

    const { active } = (await this.histories.newest(service_id, environment)).state;
    const isInForce = active?.checksum === data.checksum;
    const is_current = data.outcome === 'released' ? !active : isInForce;
    const { activation: judged = active?.activation, ...said } = data;
    const acknowledged = {
      ...said,
      incarnation: past.filter(({ type }) => type === 'InstanceRegistered').length,
      // What was said of an earlier activation of the same is no word on this one.
      ...(isInForce && judged === active.activation && { activation: judged }),
    };
    const command = { type: 'AcknowledgeConfiguration', data: acknowledged, at } as const;
    const stream = holderStream(instance_id);
    return carryOut(this.store, configurationHolder, stream, command, cause, () => ({
      instance_id,
      is_current,
    }));
  }
}
