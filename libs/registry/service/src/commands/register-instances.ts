import { registryContract, type AnswerOf, type DataOf } from '@downbeat/contracts';
import { EventStore, intent, type Intent } from '@downbeat/event-store';
import {
  Rejection,
  streamName,
  type Decision,
  type Message,
  type RejectionKind,
} from '@downbeat/eventsourcing';
import { instanceStream, type Registration } from '@downbeat/registry-domain';
import { carryOutTogether, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InstanceRoom, type Admitting } from './instance-room';
import { registeringOf, serviceOf } from './registering';

export class RegisterInstances extends commandOf(registryContract.registerInstances) {}

type Data = DataOf<typeof registryContract.registerInstances>;
type Answer = AnswerOf<typeof registryContract.registerInstances>;
type Said = Data['instances'][number];
/** What is to be decided of an instance, or why nothing is. */
type Item = { readonly said: Said; readonly is: Intent | Rejection };

/** All instances that are accepted are appended by one transaction, with the answer: a crash leaves all or none. */
@CommandHandler(RegisterInstances)
export class RegisterInstancesHandler implements ICommandHandler<RegisterInstances> {
  constructor(
    private readonly store: EventStore,
    private readonly room: InstanceRoom,
  ) {}

  async execute(command: RegisterInstances) {
    const { node_name, instances } = command.data;
    const services = await this.servicesOf(instances);
    return this.room.during((admitting) => {
      const items = itemsOf(command, services, admitting);
      const intents = items.flatMap(({ is }) => (is instanceof Rejection ? [] : is));
      const stream = streamName('node', node_name);
      return carryOutTogether(this.store, stream, intents, command.cause, (decisions) =>
        answerOf(node_name, items, decisions),
      );
    });
  }

  private async servicesOf(instances: Data['instances']) {
    const names = [...new Set(instances.map(({ service_id }) => service_id))];
    const found = await Promise.all(names.map((name) => serviceOf(this.store, name)));
    return new Map(names.map((name, index) => [name, found[index]]));
  }
}

function itemsOf(
  { data: { node_name, instances }, at, cause }: RegisterInstances,
  services: ReadonlyMap<string, Registration | undefined>,
  admitting: Admitting,
): readonly Item[] {
  const given = new Set<string>();
  return instances.map((said): Item => {
    const { service_id, instance_id, ...rest } = said;
    if (given.has(instance_id)) return { said, is: givenTwice(instance_id) };
    given.add(instance_id);
    // In the order of the single command: what is compared with it later is its text.
    const data = { service_id, instance_id, node_name, ...rest };
    const service = services.get(service_id) ?? { status: 'unknown' };
    const registering = registeringOf(data, service);
    if (registering instanceof Rejection) return { said, is: registering };
    const command = { type: 'RegisterInstance', data: registering, at } as const;
    return { said, is: intent(admitting, instanceStream(instance_id), command, cause.meta) };
  });
}

/** A list of which nothing is accepted is refused, and with that not remembered. */
function answerOf(
  node_name: string,
  items: readonly Item[],
  decisions: readonly Decision<Message>[],
): Answer | Rejection {
  let decided = 0;
  const outcomes = items.map(({ said, is }, index) => {
    const outcome = is instanceof Rejection ? is : decisions[decided++];
    return outcome instanceof Rejection ? { index, said, refusal: outcome } : undefined;
  });
  const refused = outcomes.filter((one) => one !== undefined);
  if (refused.length === items.length)
    return nothingRegistered(refused.map(({ refusal }) => refusal));
  return {
    node_name,
    registered: items.length - refused.length,
    refused: refused.map(({ index, said: { service_id, instance_id }, refusal }) => {
      const { code, message } = refusal;
      return { index, service_id, instance_id, code, message };
    }),
  };
}

function nothingRegistered(refusals: readonly Rejection[]): Rejection {
  const kinds = new Set<RejectionKind>(refusals.map(({ kind }) => kind));
  const [kind = 'conflict'] = kinds;
  return new Rejection(
    'nothing-registered',
    'none of the instances could be registered',
    kinds.size === 1 ? kind : 'conflict',
    refusals.map(({ code, message }, index) => ({
      field: `instances.${index}`,
      message: `${code}: ${message}`,
    })),
  );
}

const givenTwice = (instance: string): Rejection =>
  new Rejection('instance-given-twice', `${instance} stands before in the list`, 'invalid');
