import type { AnswerOf, healthContract } from '@downbeat/contracts';
import type { InstanceCounts, KnownSystem, Need, ServiceHealth } from '@downbeat/health-domain';
import type { EntityManager } from 'typeorm';

type Inherited = Pick<AnswerOf<typeof healthContract.serviceHealth>, 'inherited'>;

interface Checked {
  readonly service_name: string;
  readonly has_lost: boolean;
}

/** What the read model knows of services as a whole, for `systemHealth` to judge. */
export async function knownSystem(manager: EntityManager): Promise<KnownSystem> {
  const counted: (InstanceCounts & Checked)[] = await manager.query(
    `select s.service_name, s.has_lost,
            count(*) filter (where c.status = 'healthy')::int as healthy,
            count(*) filter (where c.status = 'unhealthy')::int as unhealthy,
            count(*) filter (where c.status = 'starting')::int as starting
     from checked_service s left join instance_check c using (service_name)
     group by s.service_name, s.has_lost`,
  );
  const needs: { service_name: string; dependencies: readonly Need[] }[] = await manager.query(
    'select service_name, dependencies from service_needs',
  );
  return {
    checked: new Map(
      counted.map(({ service_name, has_lost: _, ...counts }) => [service_name, counts]),
    ),
    left: new Set(counted.filter((one) => !one.has_lost).map((one) => one.service_name)),
    needs: new Map(needs.map(({ service_name, dependencies }) => [service_name, dependencies])),
  };
}

/** Whose failure a service has, in the words of the answers; nothing when it is nobody else's. */
export function inheritedOf({ inheritedPath: path }: ServiceHealth): Inherited {
  const origin = path?.at(-1);
  return path && origin !== undefined ? { inherited: { origin, path: [...path] } } : {};
}
