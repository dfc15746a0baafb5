import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import type { CommandOutcome, Problem } from '@downbeat/message-bus';

type Service = AnswerOf<typeof registryContract.getService>;
type Explained = AnswerOf<typeof registryContract.explainInstance>;
type Instances = AnswerOf<typeof registryContract.listInstances>;

/** What a test bench does for this one. */
interface Suite {
  command(
    subject: string,
    body: JsonObject,
    more: { readonly id?: string },
  ): Promise<CommandOutcome>;
  accepted(subject: string, body: JsonObject): Promise<number>;
  answer<Answer>(subject: string, input: JsonObject, as: JsonObject): Promise<Answer>;
  events(stream: string): Promise<readonly { readonly type: string }[]>;
}

/** A service of which a test says nothing more. */
export const described = {
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};

/**
 * What tests say to the registry, and ask it.
 *
 * @param suite Asked for with each call: it starts when the tests have been named.
 */
export function registryCalls(suite: () => Suite) {
  const command = (name: string, id: string, body: JsonObject = {}, commandId?: string) =>
    suite().command(
      `command.registry.${name}.${id}`,
      body,
      commandId === undefined ? {} : { id: commandId },
    );
  const accepted = (name: string, id: string, body: JsonObject = {}) =>
    suite().accepted(`command.registry.${name}.${id}`, body);
  const register = (service: string, more: JsonObject = {}) =>
    accepted('RegisterService', service, { ...described, ...more });
  const registerInstance = (service: string, instance: string, more: JsonObject = {}) =>
    accepted('RegisterInstance', instance, {
      ...{ service_id: service, node_name: 'node-a', ip_address: '10.0.0.7', port: 3000 },
      ...{ version: '1.4.0', ...more },
    });
  const get = (service_id: string, as: JsonObject = {}) =>
    suite().answer<Service>('query.registry.get-service', { service_id }, as);
  const instances = (service_id: string, as: JsonObject = {}, input: JsonObject = {}) =>
    suite().answer<Instances>('query.registry.list-instances', { service_id, ...input }, as);
  const explained = (service_id: string, instance_id: string, as: JsonObject = {}) =>
    suite().answer<Explained>('query.registry.explain-instance', { service_id, instance_id }, as);
  const statusOf = async (service: string) =>
    (await instances(service)).instances.map(({ status }) => status);
  const types = async (stream: string) => (await suite().events(stream)).map(({ type }) => type);
  const refusal = async (name: string, id: string, body: JsonObject = {}): Promise<Problem> => {
    const outcome = await command(name, id, body);
    if (outcome.accepted) throw new Error(`${name} was accepted`);
    return outcome.problem;
  };
  const said = { command, accepted, register, registerInstance, refusal };
  return { ...said, get, instances, explained, statusOf, types };
}
