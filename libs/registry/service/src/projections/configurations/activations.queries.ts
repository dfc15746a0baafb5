import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { ActivationRow } from './activation.table';
import { configurations } from './configurations.projection';
import type { ConfiguredInstanceRow } from './configured-instance.table';

const { listActivations, configuredInstances } = registryContract;
type Activation = AnswerOf<typeof listActivations>['activations'][number];
type Instance = AnswerOf<typeof configuredInstances>['instances'][number];

/** Those that said that they are of this environment, and those that have said nothing yet. */
const OF_ENVIRONMENT = `service_id = $1 and (environment is null or environment = $2)`;

/** Answers "what was in force when and why, and who runs what". */
@Controller()
export class ActivationsQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listActivations)
  async activations({ input, as }: Question<InputOf<typeof listActivations>>) {
    return this.readModels.ask(configurations, as, async (manager) => {
      const rows: ActivationRow[] = await manager.query(
        `select * from configuration_activation
         where service_id = $1 and environment = $2
           and ($3::bigint is null or activation < $3)
         order by activation desc limit $4`,
        [input.service_id, input.environment, cursorOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ activation }) => String(activation));
      return { activations: page.rows.map(activationAnswer), next_cursor: page.nextCursor };
    });
  }

  @Answers(configuredInstances)
  async instances({ input, as }: Question<InputOf<typeof configuredInstances>>) {
    const { service_id, environment, limit, cursor } = input;
    return this.readModels.ask(configurations, as, async (manager) => {
      const [active]: { config_version: string; checksum: string; activation: number }[] =
        await manager.query(
          `select config_version, checksum, activation from configuration
           where service_id = $1 and environment = $2 and is_active`,
          [service_id, environment],
        );
      const [counts]: Counts[] = await manager.query(
        `select count(*)::int as total_count,
           (count(*) filter (where case when $3::text is null then outcome = 'released'
             else outcome = 'applied' and checksum = $3 end))::int as current_count,
           (count(*) filter (where outcome = 'refused' and checksum = $3))::int as refused_count
         from configured_instance where ${OF_ENVIRONMENT}`,
        [service_id, environment, active?.checksum ?? null],
      );
      const rows: ConfiguredInstanceRow[] = await manager.query(
        `select * from configured_instance
         where ${OF_ENVIRONMENT} and ($3::text is null or instance_id > $3 collate "C")
         order by instance_id collate "C" limit $4`,
        [service_id, environment, cursorOf(cursor), limit + 1],
      );
      const page = pageOf(rows, limit, (row) => row.instance_id);
      return {
        ...(active && { config_version: active.config_version, checksum: active.checksum }),
        ...(counts ?? NONE),
        instances: page.rows.map((row) => instanceAnswer(row, active?.checksum)),
        next_cursor: page.nextCursor,
      };
    });
  }
}

interface Counts {
  readonly total_count: number;
  readonly current_count: number;
  readonly refused_count: number;
}
const NONE: Counts = { total_count: 0, current_count: 0, refused_count: 0 };

const activationAnswer = (row: ActivationRow): Activation => ({
  activation: row.activation,
  config_version: row.config_version,
  ...(row.previous_version !== null && { previous_version: row.previous_version }),
  checksum: row.checksum,
  status: row.status as Activation['status'],
  cause: row.cause as Activation['cause'],
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.gate !== null && { gate: row.gate }),
  activated_by: row.activated_by,
  activated_at: row.activated_at,
  ...(row.judged_at !== null && { judged_at: row.judged_at }),
  ...(row.because !== null && { because: row.because }),
  ...(row.evidence !== null && { evidence: row.evidence as Activation['evidence'] }),
});

const instanceAnswer = (row: ConfiguredInstanceRow, inForce: string | undefined): Instance => ({
  instance_id: row.instance_id,
  status: row.status as Instance['status'],
  outcome: (row.outcome ?? 'unknown') as Instance['outcome'],
  // What it released it does not have.
  ...(row.checksum !== null && row.outcome !== 'released' && { checksum: row.checksum }),
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.acknowledged_at !== null && { acknowledged_at: row.acknowledged_at }),
  is_current:
    inForce === undefined
      ? row.outcome === 'released'
      : row.outcome === 'applied' && row.checksum === inForce,
});
