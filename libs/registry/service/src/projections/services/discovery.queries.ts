import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { capabilitiesOf, has, type WantedCapability } from '@downbeat/registry-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { services } from './services.projection';

const { findInstances } = registryContract;
type Input = InputOf<typeof findInstances>;
type Found = AnswerOf<typeof findInstances>['instances'][number];
type Environment = Found['environment'];

/** What can be called: instances that take calls, and the addresses of services that have no instance. */
const CALLED = `
  select i.service_id as service_name, i.instance_id, i.version,
         'http://' || case when i.ip_address like '%:%' then '[' || i.ip_address || ']'
                      else i.ip_address end || ':' || i.port as url
  from instance i where i.is_offered
  union all
  select s.service_name, 'service:' || s.service_name, s.service_version,
         regexp_replace(s.base_url, '/$', '')
  from service s where s.base_url is not null and s.retired_at is null and not exists (
    select from instance i where i.service_id = s.service_name and i.status <> 'terminating')`;

/** A space sorts before all that names are made of: the order is that of services, then of instances. */
const KEY = `c.service_name || ' ' || c.instance_id collate "C"`;

const PAGE = `
  with found as (
    select c.*, s.deployment_environment as environment
    from (${CALLED}) c join service s using (service_name)
    where c.service_name = any($1)
      and ($2::text[] is null
           or (c.service_name, c.version) in (select * from unnest($1::text[], $2::text[])))
      and ($3::text is null or s.deployment_environment = $3))
  select (select count(*)::int from found) as total_count,
         coalesce((select json_agg(p) from (
           select c.* from found c where $4::text is null or ${KEY} > $4
           order by ${KEY} limit $5) p), '[]') as rows`;

interface Wanted {
  readonly names: readonly string[];
  /** Of each name; null: any. A name stands there once for each of them. */
  readonly versions: readonly string[] | null;
}

/** Answers "where can I call it", for those who hold no directory. */
@Controller()
export class DiscoveryQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(findInstances)
  async find({ input, as }: Question<Input>) {
    return this.readModels.ask(services, as, async (manager) => {
      const { environment = null, limit } = input;
      const { names, versions } = await wantedBy(manager, input);
      const after = cursorOf(input.cursor);
      const [read]: { total_count: number; rows: Found[] }[] = await manager.query(PAGE, [
        ...[names, versions, environment, after, limit + 1],
      ]);
      const { total_count = 0, rows = [] } = read ?? {};
      const page = pageOf(rows, limit, (row) => `${row.service_name} ${row.instance_id}`);
      return { instances: [...page.rows], total_count, next_cursor: page.nextCursor };
    });
  }
}

async function wantedBy(manager: EntityManager, input: Input): Promise<Wanted> {
  const { service_name, capability, version: range, environment } = input;
  if (capability === undefined) return { names: [service_name ?? ''], versions: null };
  const able = await servicesWith(manager, capability, environment);
  if (range === undefined) return { names: [...able.keys()], versions: null };
  const there: { service_name: string; version: string }[] = await manager.query(
    `select distinct c.service_name, c.version from (${CALLED}) c where c.service_name = any($1)`,
    [[...able.keys()]],
  );
  const wanted: WantedCapability = { name: capability, range };
  const found = there.filter((one) =>
    has(capabilitiesOf(able.get(one.service_name) ?? [], one.version), wanted),
  );
  return {
    names: found.map((one) => one.service_name),
    versions: found.map(({ version }) => version),
  };
}

type Said = readonly registryContract.SaidCapability[];

/** Those that have a capability in any version, and what they say of all of theirs. */
async function servicesWith(
  manager: EntityManager,
  name: string,
  environment: Environment | undefined,
): Promise<ReadonlyMap<string, Said>> {
  const rows: { service_name: string; capabilities: Said }[] = await manager.query(
    `select service_name, details -> 'capabilities' as capabilities from service
     where details -> 'capabilities' is not null and retired_at is null
       and ($1::text is null or deployment_environment = $1)`,
    [environment ?? null],
  );
  const able = rows.filter(({ capabilities }) => has(capabilitiesOf(capabilities, ''), { name }));
  return new Map(able.map(({ service_name, capabilities }) => [service_name, capabilities]));
}
