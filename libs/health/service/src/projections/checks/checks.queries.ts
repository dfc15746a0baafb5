import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import {
  addressOf,
  effectiveCheck,
  isFailing,
  planOf,
  reasonFound,
  reasonSaid,
  systemHealth,
  type Check,
  type ServiceCheck,
} from '@downbeat/health-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { checks } from './checks.projection';
import { inheritedOf, knownSystem } from './known-system';

const { listHealth } = healthContract;
type Listed = AnswerOf<typeof listHealth>['instances'][number];

interface Row {
  readonly instance_id: string;
  readonly service_name: string;
  readonly status: Listed['status'];
  readonly phase: Listed['phase'];
  readonly reason: Listed['reason'] | null;
  readonly check: Check;
  readonly health_check: ServiceCheck['health_check'] | null;
  readonly health_check_endpoint: string | null;
  readonly failures: number;
  readonly detail: string | null;
  readonly changed_at: string;
}

/** Answers "what works". */
@Controller()
export class ChecksQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listHealth)
  async list({ input, as }: Question<InputOf<typeof listHealth>>) {
    return this.readModels.ask(checks, as, async (manager) => {
      const rows: Row[] = await manager.query(
        `select c.*, s.health_check, s.health_check_endpoint
         from instance_check c left join service_check s using (service_name)
         where ($1::text is null or service_name = $1) and ($2::text is null or status = $2)
           and ($3::text is null or instance_id > $3 collate "C")
         order by instance_id collate "C" limit $4`,
        [input.service_name ?? null, input.status ?? null, cursorOf(input.cursor), input.limit + 1],
      );
      const counts: { status: Listed['status']; count: number }[] = await manager.query(
        `select status, count(*)::int as count from instance_check
         where ($1::text is null or service_name = $1) group by status`,
        [input.service_name ?? null],
      );
      const page = pageOf(rows, input.limit, (row) => row.instance_id);
      const inherited = await inheritedFailures(manager, page.rows);
      return {
        instances: page.rows.map((row) => listed(row, inherited(row))),
        status_summary: {
          starting: 0,
          healthy: 0,
          unhealthy: 0,
          terminating: 0,
          ...Object.fromEntries(counts.map(({ status, count }) => [status, count])),
        },
        next_cursor: page.nextCursor,
      };
    });
  }
}

/** Whose failure an instance has, and whether it is why it fails. */
interface Inheriting {
  readonly inherited: Listed['inherited'];
  readonly isToBlame: boolean;
}

/** How it is checked now. */
function checkOf({ check, health_check, health_check_endpoint }: Row): Check {
  return effectiveCheck(check, {
    health_check: health_check ?? undefined,
    health_check_endpoint: health_check_endpoint ?? undefined,
  });
}

function listed(row: Row, { inherited, isToBlame }: Inheriting): Listed {
  const reason = reasonSaid(reasonFound(row.reason ?? undefined), inherited && { isToBlame });
  const plan = planOf(checkOf(row));
  const { request } = plan[row.phase] ?? plan.readiness;
  return {
    service_name: row.service_name,
    instance_id: row.instance_id,
    status: row.status,
    phase: row.phase,
    ...(reason === undefined ? {} : { reason }),
    ...(inherited && { inherited }),
    kind: request.kind,
    url: addressOf(request),
    failures: row.failures,
    ...(row.detail === null ? {} : { detail: row.detail }),
    changed_at: row.changed_at,
  };
}

/** What to say of an unhealthy instance whose service fails with another one. */
async function inheritedFailures(manager: EntityManager, rows: readonly Row[]) {
  const isAsked = rows.some(({ status }) => status === 'unhealthy');
  const { services } = isAsked ? systemHealth(await knownSystem(manager)) : { services: [] };
  const byName = new Map(services.map((service) => [service.service_name, service]));
  return ({ service_name, status, reason }: Row): Inheriting => {
    const service = status === 'unhealthy' ? byName.get(service_name) : undefined;
    const { inherited } = service ? inheritedOf(service) : {};
    const needed = (inherited?.path ?? []).slice(1);
    // Who fell first is known to whoever checks, and said with its next check.
    const isToBlame = reason === 'inherited' || needed.some((name) => isFailing(byName.get(name)));
    return { inherited, isToBlame };
  };
}
