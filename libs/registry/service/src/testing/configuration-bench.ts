import type { registryContract, AnswerOf } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type JsonObject } from '@downbeat/eventsourcing';
import type { CommandOutcome, Problem, QueryOutcome } from '@downbeat/message-bus';
import { instanceRegistration, instanceStream } from '@downbeat/registry-domain';
import type { RunningService } from '@downbeat/service-host';

type Activations = AnswerOf<typeof registryContract.listActivations>['activations'];
type Effective = AnswerOf<typeof registryContract.effectiveConfiguration>;
type Instances = AnswerOf<typeof registryContract.configuredInstances>;

/** What a test bench does for this one. */
interface Suite {
  runningOf(name: string): Pick<RunningService, 'app'>;
  command(subject: string, body: JsonObject): Promise<CommandOutcome>;
  query(subject: string, input: JsonObject): Promise<QueryOutcome>;
  answer<Answer>(subject: string, input: JsonObject, as: JsonObject): Promise<Answer>;
  stop(): Promise<void>;
}

/** The registry on real servers, in the words of configurations. */
export class ConfigurationBench<Bench extends Suite> {
  readonly described = {
    service_version: '1.0.0',
    service_type: 'api',
    deployment_environment: 'production',
    dependencies: [],
  };

  constructor(readonly suite: Bench) {}

  stop(): Promise<void> {
    return this.suite.stop();
  }

  register(service: string, more: JsonObject = {}): Promise<JsonObject> {
    return this.carryOut('RegisterService', service, { ...this.described, ...more });
  }

  async registerInstance(service_id: string, ...instances: readonly string[]): Promise<void> {
    const at = { node_name: 'node-a', ip_address: '10.0.0.7', port: 3000, version: '1.0.0' };
    for (const instance of instances) {
      await this.carryOut('RegisterInstance', instance, { service_id, ...at });
      await this.observe(service_id, instance, 'healthy');
    }
  }

  /** As if its checks had said so. */
  async observe(
    service_id: string,
    instance_id: string,
    status: 'healthy' | 'unhealthy',
  ): Promise<void> {
    const at = instantOf(Date.now());
    const seen = { status, failures: 3, detail: 'HTTP 503', checked_at: at };
    await execute(
      this.suite.runningOf('registry').app.get(EventStore, { strict: false }),
      instanceRegistration,
      instanceStream(instance_id),
      { type: 'ObserveHealth', data: { service_id, instance_id, ...seen }, at },
      { meta: { correlation_id: 'bench', causation_id: 'bench', actor: 'bench' } },
    );
  }

  said(configuration: JsonObject): JsonObject {
    return { environment: 'production', configuration };
  }

  create(service: string, configuration: JsonObject, more: JsonObject = {}): Promise<JsonObject> {
    const body = { ...this.said(configuration), ...more };
    return this.carryOut('CreateConfiguration', service, body);
  }

  activate(service: string, config_version: string, more: JsonObject = {}): Promise<JsonObject> {
    const body = { environment: 'production', config_version, ...more };
    return this.carryOut('ActivateConfiguration', service, body);
  }

  rollBack(service: string, more: JsonObject = {}): Promise<JsonObject> {
    const body = { environment: 'production', reason: 'it was slow', ...more };
    return this.carryOut('RollbackConfiguration', service, body);
  }

  acknowledge(
    service_id: string,
    instance: string,
    checksum: unknown,
    more: JsonObject = {},
  ): Promise<JsonObject> {
    const said = { service_id, environment: 'production', outcome: 'applied' };
    const body = { ...said, checksum: String(checksum), ...more };
    return this.carryOut('AcknowledgeConfiguration', instance, body);
  }

  /** A service with versions 1 and 2, the first in force, and instances that run it. @returns Their checksums. */
  async running(
    service: string,
    ...names: readonly string[]
  ): Promise<{ readonly first: string; readonly second: string }> {
    await this.register(service);
    await this.registerInstance(service, ...names);
    const first = await this.create(service, { pool: 5 });
    const second = await this.create(service, { pool: 6 });
    await this.activate(service, '1');
    for (const name of names) await this.acknowledge(service, name, first['checksum']);
    return { first: String(first['checksum']), second: String(second['checksum']) };
  }

  effective(service_id: string, more: JsonObject = {}, as: JsonObject = {}): Promise<Effective> {
    const input = { service_id, environment: 'production', ...more };
    return this.ask<Effective>('effective-configuration', input, as);
  }

  async history(service_id: string): Promise<Activations> {
    const input = { service_id, environment: 'production' };
    const { activations } = await this.ask<{ activations: Activations }>(
      'list-configuration-activations',
      input,
    );
    return activations;
  }

  instances(service_id: string, more: JsonObject = {}): Promise<Instances> {
    const input = { service_id, environment: 'production', ...more };
    return this.ask<Instances>('list-configured-instances', input);
  }

  /** @returns What an accepted command answers. */
  async carryOut(name: string, id: string, body: JsonObject): Promise<JsonObject> {
    const outcome = await this.suite.command(`command.registry.${name}.${id}`, body);
    if (outcome.accepted) return outcome.answer;
    throw new Error(`${name} was refused: ${JSON.stringify(outcome.problem)}`);
  }

  async refusal(name: string, id: string, body: JsonObject): Promise<Problem> {
    const outcome = await this.suite.command(`command.registry.${name}.${id}`, body);
    if (outcome.accepted) throw new Error(`${name} was accepted`);
    return outcome.problem;
  }

  ask<Answer>(name: string, input: JsonObject, as: JsonObject = {}): Promise<Answer> {
    return this.suite.answer<Answer>(`query.registry.${name}`, input, as);
  }

  async problem(name: string, input: JsonObject): Promise<Problem> {
    const outcome = await this.suite.query(`query.registry.${name}`, input);
    if (outcome.ok) throw new Error(`${name} was answered`);
    return outcome.problem;
  }
}
