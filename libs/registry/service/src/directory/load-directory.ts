import type { registryContract } from '@downbeat/contracts';
import {
  urlOf,
  type ListedInstance,
  type ListedService,
  type Standing,
} from '@downbeat/registry-domain';
import type { EntityManager } from 'typeorm';

const ROWS_MAX = 1_000;

interface ServiceRow {
  readonly service_name: string;
  readonly service_version: string;
  readonly deployment_environment: registryContract.RunningEnvironment;
  readonly base_url: string | null;
  readonly capabilities: readonly registryContract.SaidCapability[] | null;
  readonly revision: number | string;
}

interface InstanceRow {
  readonly instance_id: string;
  readonly service_id: string;
  readonly version: string;
  readonly ip_address: string;
  readonly port: number | string;
  readonly status: Standing['status'];
  readonly lifecycle: Standing['lifecycle'];
  readonly suppressed_until: Standing['suppressed_until'] | Date;
  readonly zone: string | null;
  readonly weight: number | null;
  readonly priority: number | string | null;
  readonly session: registryContract.NatsSession | null;
}

const SERVICES = `
  select s.service_name, s.service_version, s.deployment_environment, d.revision,
         case when s.retired_at is null then s.base_url end as base_url,
         case when s.retired_at is null then s.details -> 'capabilities' end as capabilities
  from service s join directory_entry d on d.service_name = s.service_name
  where s.service_name > $1 collate "C" order by s.service_name collate "C" limit ${ROWS_MAX}`;

const INSTANCES = `
  select instance_id, service_id, version, ip_address, port, status, lifecycle, suppressed_until,
         zone, weight, priority, session
  from instance
  where instance_id > $1 collate "C" order by instance_id collate "C" limit ${ROWS_MAX}`;

/** Everything that is listed, page by page, from the read model. */
export async function loadDirectory(manager: EntityManager): Promise<readonly ListedService[]> {
  const instances = new Map<string, Map<string, ListedInstance>>();
  for await (const row of rowsOf<InstanceRow>(manager, INSTANCES, (one) => one.instance_id)) {
    const ofService = instances.get(row.service_id) ?? new Map<string, ListedInstance>();
    instances.set(row.service_id, ofService.set(row.instance_id, listedFrom(row)));
  }
  const services: ListedService[] = [];
  for await (const row of rowsOf<ServiceRow>(manager, SERVICES, (one) => one.service_name))
    services.push({
      service_name: row.service_name,
      service_version: row.service_version,
      environment: row.deployment_environment,
      base_url: row.base_url,
      capabilities: row.capabilities ?? [],
      revision: Number(row.revision),
      instances: instances.get(row.service_name) ?? new Map<string, ListedInstance>(),
    });
  return services;
}

async function* rowsOf<Row>(
  manager: EntityManager,
  statement: string,
  keyOf: (row: Row) => string,
): AsyncGenerator<Row> {
  for (let after = ''; ;) {
    const rows: Row[] = await manager.query(statement, [after]);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_MAX) return;
    after = keyOf(last);
  }
}

function listedFrom(row: InstanceRow): ListedInstance {
  const { version, ip_address, port, status, lifecycle, suppressed_until } = row;
  const { zone, weight, priority, session } = row;
  const until = suppressed_until === null ? null : new Date(suppressed_until).toISOString();
  return {
    version,
    url: urlOf(ip_address, Number(port)),
    standing: { status, lifecycle, suppressed_until: until as Standing['suppressed_until'] },
    ...(zone !== null && { zone }),
    ...(weight !== null && { weight }),
    ...(priority !== null && { priority: Number(priority) }),
    ...(session !== null && { session }),
  };
}
