import { registryContract, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import {
  instanceRegistration,
  instanceStream,
  ofAnotherService,
  unknownInstance,
  type InstanceEvent,
} from '@downbeat/registry-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { inForce } from '../projections/configurations/in-force';
import { configurations } from '../projections/configurations/configurations.projection';
import { DataKeys } from './data-keys';
import { KeyRing } from './key-ring';
import { sealTo } from './sealed-box';
import { SecretKeeper, sealedPlaces } from './secret-keeper';

const { sealSecret, instanceConfiguration, secretKeys } = registryContract;

/** Takes secret values in, and gives them to instances. */
@Controller()
export class SecretsQueries {
  constructor(
    private readonly keeper: SecretKeeper,
    private readonly dataKeys: DataKeys,
    private readonly ring: KeyRing,
    private readonly readModels: ReadModels,
    private readonly store: EventStore,
  ) {}

  @Answers(sealSecret)
  async seal({ input }: Question<InputOf<typeof sealSecret>>) {
    const sealed = this.keeper.seal(input, input.value);
    if (sealed instanceof Rejection) return sealed;
    return { position: await this.store.head(), data: { $secret: { sealed } } };
  }

  @Answers(instanceConfiguration)
  async ofInstance({ input, as }: Question<InputOf<typeof instanceConfiguration>>) {
    const refusal = await this.refusalOf(input);
    if (refusal) return refusal;
    const { position, data: found } = await this.readModels.ask(configurations, as, (manager) =>
      inForce(manager, input),
    );
    if (found instanceof Rejection) return found;
    const { effective, config_version, checksum, activation } = found;
    const said = { config_version, checksum, activation, is_changed: effective !== null };
    if (effective === null) return { position, data: said };
    const revealed = JSON.stringify(await this.keeper.revealed(effective));
    const sealed = sealTo(input.public_key, revealed, checksum);
    const secrets = sealedPlaces(effective);
    return sealed ? { position, data: { ...said, sealed, secrets } } : uselessKey();
  }

  @Answers(secretKeys)
  async keys(_: Question<InputOf<typeof secretKeys>>) {
    const position = await this.store.head();
    const counts = await this.dataKeys.counts();
    const current_key_id = this.ring.current?.id;
    const keys = counts.map((one) => ({ ...one, is_known: this.ring.ids.includes(one.key_id) }));
    return { position, data: { ...(current_key_id !== undefined && { current_key_id }), keys } };
  }

  /** Only an instance that is there has anything to do with the values. */
  private async refusalOf(input: {
    readonly service_id: string;
    readonly instance_id: string;
  }): Promise<Rejection | undefined> {
    const past = await this.store.load<InstanceEvent>(instanceStream(input.instance_id));
    const instance = fold(instanceRegistration, past);
    return instance.status === 'absent'
      ? unknownInstance(input.instance_id)
      : ofAnotherService(input, instance);
  }
}

const uselessKey = (): Rejection =>
  new Rejection('invalid-input', 'public_key shares no secret with any other key', 'invalid', [
    { field: 'public_key', message: 'shares no secret with any other key' },
  ]);
