import { registryContract, type InputOf } from '@downbeat/contracts';
import { ReadModels, type ReadAs } from '@downbeat/projections';
import { unknownService } from '@downbeat/registry-domain';
import { Rejection } from '@downbeat/eventsourcing';
import { Answers, ContextPool, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import {
  instanceAnswer,
  serviceAnswer,
  type CountedService,
  type Heard,
  type HeardNow,
  type ListedInstance,
  type Usage,
} from './answers';
import type { GoneInstance } from './gone-instances.table';
import { services } from './services.projection';

const { listServices, getService, listInstances } = registryContract;

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
      const filter = [input.environment ?? null, input.service_type ?? null, input.is_active];
      const where = `($1::text is null or c.deployment_environment = $1)
                 and ($2::text is null or c.service_type = $2)
                 and (c.retired_at is null) = $3::boolean`;
      const rows: CountedService[] = await manager.query(
        `select c.* from (${COUNTED}) c
         where ${where} and ($4::text is null or c.service_name > $4 collate "C")
         order by c.service_name collate "C" limit $5`,
        [...filter, cursorOf(input.cursor), input.limit + 1],
      );
      const [totals]: { total: number; healthy: number }[] = await manager.query(
        `select count(*)::int as total, count(*) filter (where ${IS_HEALTHY})::int as healthy
         from (${COUNTED}) c where ${where}`,
        filter,
      );
      const page = pageOf(rows, input.limit, (row) => row.service_name);
      const usage = await this.usageOf(
        page.rows.map((row) => row.service_name),
        as,
      );
      return {
        services: page.rows.map((row) => serviceAnswer(row, usage)),
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
    return { ...read, data: serviceAnswer(read.data, await this.usageOf([input.service_id], as)) };
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
      const heard = await this.heardOf(
        page.rows.map((row) => row.instance_id),
        as,
      );
      return {
        instances: page.rows.map((row) => instanceAnswer(row, heard)),
        total_count: rows.length,
        gone: after === null ? [...(await goneOf(manager, input.service_id))] : [],
        next_cursor: page.nextCursor,
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  /** What the instances of each service use together, as their heartbeats say. */
  private async usageOf(serviceNames: readonly string[], { at }: ReadAs): Promise<HeardNow<Usage>> {
    if (at !== undefined) return undefined;
    const { rows } = await this.pool.query<Usage & { readonly service_id: string }>(
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

  private async heardOf(instanceIds: readonly string[], { at }: ReadAs): Promise<HeardNow<Heard>> {
    if (at !== undefined) return undefined;
    const { rows } = await this.pool.query<Heard & { readonly instance_id: string }>(
      'select instance_id, last_seen_at, resource_usage from heartbeat where instance_id = any($1)',
      [instanceIds],
    );
    return new Map(rows.map((row) => [row.instance_id, row]));
  }
}

/** Instances that have ended and are not back, the last first. */
export async function goneOf(
  manager: EntityManager,
  serviceName: string,
): Promise<readonly GoneInstance[]> {
  const rows: GoneInstance[] = await manager.query(
    `select one ->> 'instance_id' as instance_id, one ->> 'lifecycle' as lifecycle,
            one ->> 'reason' as reason, one ->> 'ended_at' as ended_at
     from gone_instances g cross join json_array_elements(g.gone) with ordinality as _(one, nth)
     where g.service_id = $1
       and not exists (select from instance i where i.instance_id = one ->> 'instance_id')
     order by nth desc`,
    [serviceName],
  );
  return rows;
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
