import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { has, unknownService, type WantedCapability } from '@downbeat/registry-domain';
import { Rejection } from '@downbeat/eventsourcing';
import { Answers, ContextPool, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import {
  capabilitiesIn,
  instanceAnswer,
  serviceAnswer,
  type CountedService,
  type ListedInstance,
} from './answers';
import { services, type ServiceRow } from './services.projection';

const { listServices, getService, listInstances, findInstances } = registryContract;
type Target = AnswerOf<typeof findInstances>['instances'][number];

/** Each service with the number of its instances; what every question about services begins with. */
export const COUNTED = `
  select s.*, i.instance_count, i.healthy_instances
  from service s
  cross join lateral (
    select count(*)::int as instance_count,
           count(*) filter (where is_offered)::int as healthy_instances
    from instance where service_id = s.service_name and status <> 'terminating'
  ) i`;

const IS_HEALTHY = `c.instance_count > 0 and c.healthy_instances = c.instance_count`;

const TARGET = `
  select i.service_id as service_name, i.instance_id, i.version,
         'http://' || case when i.ip_address like '%:%' then '[' || i.ip_address || ']'
                      else i.ip_address end || ':' || i.port as url
  from instance i`;

/** Answers "what exists, where, in which version". */
@Controller()
export class ServicesQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly pool: ContextPool,
  ) {}

  @Answers(listServices)
  async list({ input, as }: Question<InputOf<typeof listServices>>) {
    return this.readModels.ask(services, as, async (manager) => {
      const filter = [input.environment ?? null, input.service_type ?? null];
      const where = `($1::text is null or c.deployment_environment = $1)
                 and ($2::text is null or c.service_type = $2)`;
      const rows: CountedService[] = await manager.query(
        `select c.* from (${COUNTED}) c
         where ${where} and ($3::text is null or c.service_name > $3 collate "C")
         order by c.service_name collate "C" limit $4`,
        [...filter, cursorOf(input.cursor), input.limit + 1],
      );
      const [totals]: { total: number; healthy: number }[] = await manager.query(
        `select count(*)::int as total, count(*) filter (where ${IS_HEALTHY})::int as healthy
         from (${COUNTED}) c where ${where}`,
        filter,
      );
      const page = pageOf(rows, input.limit, (row) => row.service_name);
      const usage = await this.usageOf(page.rows.map((row) => row.service_name));
      return {
        services: page.rows.map((row) => serviceAnswer(row, usage.get(row.service_name))),
        total_services: totals?.total ?? 0,
        healthy_services: totals?.healthy ?? 0,
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(getService)
  async get({ input, as }: Question<InputOf<typeof getService>>) {
    const read = await this.readModels.ask(services, as, (manager) =>
      counted(manager, input.service_id),
    );
    if (!read.data) return unknownService(input.service_id);
    const usage = await this.usageOf([input.service_id]);
    return { ...read, data: serviceAnswer(read.data, usage.get(input.service_id)) };
  }

  @Answers(listInstances)
  async instances({ input, as }: Question<InputOf<typeof listInstances>>) {
    const read = await this.readModels.ask(services, as, async (manager) => {
      if (!(await counted(manager, input.service_id))) return unknownService(input.service_id);
      const rows: ListedInstance[] = await manager.query(
        `select *, count(*) over ()::int as total_count from instance
         where service_id = $1 and ($2::text is null or status = $2)
         order by instance_id collate "C"`,
        [input.service_id, input.status ?? null],
      );
      const after = cursorOf(input.cursor);
      const following = rows.filter((row) => after === null || row.instance_id > after);
      const page = pageOf(following, input.limit, (row) => row.instance_id);
      const heard = await this.heardOf(page.rows.map((row) => row.instance_id));
      return {
        instances: page.rows.map((row) => instanceAnswer(row, heard.get(row.instance_id))),
        total_count: rows.length,
        next_cursor: page.nextCursor,
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  @Answers(findInstances)
  async find({ input, as }: Question<InputOf<typeof findInstances>>) {
    return this.readModels.ask(services, as, async (manager) => {
      const { service_name, capability, version } = input;
      const names =
        capability === undefined
          ? [service_name]
          : await namesOfThoseWith(manager, { name: capability, range: version });
      const instances: Target[] = await manager.query(
        `${TARGET} where i.is_offered and i.service_id = any($1)
         order by i.service_id, i.instance_id limit 1000`,
        [names],
      );
      return { instances };
    });
  }

  /** What the instances of each service use together, as their heartbeats say. */
  private async usageOf(serviceNames: readonly string[]) {
    const { rows } = await this.pool.query<{
      service_id: string;
      cpu_percent: number;
      memory_mb: number;
      requests_per_minute: number;
    }>(
      `select i.service_id,
              coalesce(sum((h.resource_usage ->> 'cpu_percent')::float8), 0) as cpu_percent,
              coalesce(sum((h.resource_usage ->> 'memory_mb')::float8), 0) as memory_mb,
              coalesce(sum((h.resource_usage ->> 'requests_per_minute')::float8), 0)
                as requests_per_minute
       from instance i join heartbeat h using (instance_id)
       where i.service_id = any($1) and i.status <> 'terminating' group by i.service_id`,
      [serviceNames],
    );
    return new Map(rows.map(({ service_id, ...usage }) => [service_id, usage]));
  }

  private async heardOf(instanceIds: readonly string[]) {
    const { rows } = await this.pool.query<{
      instance_id: string;
      last_seen_at: Date;
      resource_usage: { cpu_percent: number; memory_mb: number; disk_mb?: number } | null;
    }>(
      'select instance_id, last_seen_at, resource_usage from heartbeat where instance_id = any($1)',
      [instanceIds],
    );
    return new Map(rows.map((row) => [row.instance_id, row]));
  }
}

async function counted(
  manager: EntityManager,
  serviceName: string,
): Promise<CountedService | undefined> {
  const rows: CountedService[] = await manager.query(
    `select c.* from (${COUNTED}) c where c.service_name = $1`,
    [serviceName],
  );
  return rows[0];
}

async function namesOfThoseWith(
  manager: EntityManager,
  wanted: WantedCapability,
): Promise<readonly string[]> {
  const rows: ServiceRow[] = await manager.query(
    `select service_name, service_version, details from service
     where details -> 'capabilities' is not null`,
  );
  return rows
    .filter((row) => has(capabilitiesIn(row), wanted))
    .map(({ service_name }) => service_name);
}
