import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import {
  allEdges,
  circles,
  levels,
  requiredEdges,
  unknownService,
  type DependencyGraph,
} from '@downbeat/registry-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { healthOf, type CountedService } from './answers';
import { services, type DependenciesRow } from './services.projection';
import { COUNTED } from './services.queries';

const { listDependencies, dependencyGraph } = registryContract;
type Status = AnswerOf<typeof listDependencies>['dependencies'][number]['status'];

/** Answers "what does it need, does it have it, and in which order can all be started". */
@Controller()
export class DependenciesQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listDependencies)
  async list({ input: { service_id }, as }: Question<InputOf<typeof listDependencies>>) {
    const read = await this.readModels.ask(services, as, async (manager) => {
      const graph = await graphOf(manager);
      const own = graph.get(service_id) ?? [];
      const names = [service_id, ...own.map(({ service_name }) => service_name)];
      const statuses = await statusesOf(manager, names);
      if (!statuses.has(service_id)) return unknownService(service_id);
      const dependencies = own.map((one) => ({
        ...one,
        status: statuses.get(one.service_name) ?? ('missing' as const),
      }));
      return {
        service_id,
        is_satisfied: dependencies.every(({ required, status }) => !required || isThere(status)),
        dependencies,
        dependents: dependentsOf(service_id, graph),
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  @Answers(dependencyGraph)
  async graph({ as }: Question<InputOf<typeof dependencyGraph>>) {
    return this.readModels.ask(services, as, async (manager) => {
      const rows: { service_name: string }[] = await manager.query(
        `select service_name from service where retired_at is null
         order by service_name collate "C"`,
      );
      const declared = await graphOf(manager);
      const names = rows.map(({ service_name }) => service_name);
      const graph = new Map(names.map((name) => [name, declared.get(name) ?? []]));
      const edges = [...graph].flatMap(([source, all]) =>
        all.map(({ service_name: target, required, dependency_type, is_critical }) => ({
          ...{ source, target, required, dependency_type, is_critical },
        })),
      );
      return {
        services: names,
        dependencies: edges,
        missing: edges
          .filter(({ target }) => !graph.has(target))
          .map(({ source, target }) => ({ source, target })),
        circular_dependencies: circles(allEdges(graph)).map((circle) => [...circle]),
        start_order: levels(requiredEdges(graph)).map((group) => [...group]),
      };
    });
  }
}

async function graphOf(manager: EntityManager): Promise<DependencyGraph> {
  const rows: DependenciesRow[] = await manager.query(
    `select service_name, dependencies from dependencies order by service_name collate "C"`,
  );
  return new Map(rows.map(({ service_name, dependencies }) => [service_name, dependencies]));
}

async function statusesOf(
  manager: EntityManager,
  names: readonly string[],
): Promise<ReadonlyMap<string, Status>> {
  const rows: CountedService[] = await manager.query(
    `select c.* from (${COUNTED}) c where c.service_name = any($1) and c.retired_at is null`,
    [names],
  );
  return new Map(rows.map((row) => [row.service_name, STATUS[healthOf(row)]]));
}

const STATUS = { healthy: 'satisfied', degraded: 'degraded', unhealthy: 'unavailable' } as const;

const isThere = (status: Status): boolean => status === 'satisfied' || status === 'degraded';

const dependentsOf = (service: string, graph: DependencyGraph) =>
  [...graph].flatMap(([service_name, all]) => {
    const one = all.find((dependency) => dependency.service_name === service);
    return one ? [{ service_name, required: one.required }] : [];
  });
