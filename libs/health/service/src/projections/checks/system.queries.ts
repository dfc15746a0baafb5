import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { systemHealth, type ServiceHealth } from '@downbeat/health-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { checks } from './checks.projection';
import { inheritedOf, knownSystem } from './known-system';

const { systemHealth: askSystem, serviceHealth: askService } = healthContract;
type Component = AnswerOf<typeof askSystem>['components'][string];

/** Answers "does the system work, and if not, where did it begin". */
@Controller()
export class SystemQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(askSystem)
  async system({ input: { limit }, as }: Question<InputOf<typeof askSystem>>) {
    return this.readModels.ask(checks, as, async (manager) => {
      const { status, services } = systemHealth(await knownSystem(manager));
      const shown = services.slice(0, limit);
      return {
        status,
        components: Object.fromEntries(shown.map((one) => [one.service_name, component(one)])),
        components_omitted: services.length - shown.length,
        metrics: metricsOf(services),
      };
    });
  }

  @Answers(askService)
  async service({ input: { service_name }, as }: Question<InputOf<typeof askService>>) {
    const read = await this.readModels.ask(checks, as, async (manager) => {
      const { services } = systemHealth(await knownSystem(manager));
      const found = services.find((one) => one.service_name === service_name);
      return found ? { service_name, ...component(found) } : unknownService(service_name);
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }
}

function component(service: ServiceHealth): Component {
  const { status, isCritical, healthy, unhealthy, starting, isScaledToZero } = service;
  return {
    status,
    is_critical: isCritical,
    healthy_instances: healthy,
    unhealthy_instances: unhealthy,
    starting_instances: starting,
    ...inheritedOf(service),
    ...(isScaledToZero && { is_scaled_to_zero: isScaledToZero }),
  };
}

function metricsOf(services: readonly ServiceHealth[]): AnswerOf<typeof askSystem>['metrics'] {
  const count = (isOne: (service: ServiceHealth) => boolean): number =>
    services.filter(isOne).length;
  const sum = (of: (service: ServiceHealth) => number): number =>
    services.reduce((total, service) => total + of(service), 0);
  return {
    total_services: services.length,
    healthy_services: count(({ status }) => status === 'healthy'),
    degraded_services: count(({ status }) => status === 'degraded'),
    unhealthy_services: count(({ status }) => status === 'unhealthy'),
    starting_services: count(({ status }) => status === 'starting'),
    unchecked_services: count(({ status }) => status === 'unchecked'),
    inherited_failures: count(({ inheritedPath }) => inheritedPath !== undefined),
    total_instances: sum(({ healthy, unhealthy, starting }) => healthy + unhealthy + starting),
    healthy_instances: sum(({ healthy }) => healthy),
  };
}

const unknownService = (service: string): Rejection =>
  new Rejection('service-unknown', `health knows of no service ${service}`, 'not-found');
