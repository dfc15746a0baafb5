import { registryContract, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels, type Read } from '@downbeat/projections';
import { unknownConfiguration } from '@downbeat/registry-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecretKeeper } from '../../secrets/secret-keeper';
import {
  differenceAnswers,
  summaryAnswer,
  type ConfigurationSummary,
  type Document,
  type WholeConfiguration,
} from './answers';
import { configurationId, configurations } from './configurations.projection';
import { inForce } from './in-force';

const { listConfigurations, getConfiguration, diffConfigurations, effectiveConfiguration } =
  registryContract;

const SUMMARY = `id, service_id, environment, config_version, created_position, base_version,
  description, checksum, secrets_refs, is_encrypted, is_active, applied_at, created_by, created_at, updated_at`;

/** Answers "which configurations are there, what do they say, which is in force"; secret values are masked. */
@Controller()
export class ConfigurationsQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly secrets: SecretKeeper,
  ) {}

  @Answers(listConfigurations)
  async list({ input, as }: Question<InputOf<typeof listConfigurations>>) {
    return this.readModels.ask(configurations, as, async (manager) => {
      const filter = [input.service_id, input.environment ?? null];
      const where = `service_id = $1 and ($2::text is null or environment = $2)`;
      const rows: ConfigurationSummary[] = await manager.query(
        `select ${SUMMARY} from configuration
         where ${where} and ($3::bigint is null or created_position < $3)
         order by created_position desc limit $4`,
        [...filter, cursorOf(input.cursor), input.limit + 1],
      );
      const [total]: { count: number }[] = await manager.query(
        `select count(*)::int as count from configuration where ${where}`,
        filter,
      );
      const page = pageOf(rows, input.limit, (row) => String(row.created_position));
      return {
        configurations: page.rows.map(summaryAnswer),
        total_count: total?.count ?? 0,
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(getConfiguration)
  async get({ input, as }: Question<InputOf<typeof getConfiguration>>) {
    const read = await this.readModels.ask(configurations, as, async (manager) => {
      const row = await versionOf(manager, input, input.config_version);
      if (row instanceof Rejection) return row;
      const shown = await this.secrets.masking(row.configuration, row.effective);
      return {
        ...summaryAnswer(row),
        configuration: shown(row.configuration) as Document,
        effective_configuration: shown(row.effective) as Document,
      };
    });
    return orRejection(read);
  }

  @Answers(diffConfigurations)
  async diff({ input, as }: Question<InputOf<typeof diffConfigurations>>) {
    const read = await this.readModels.ask(configurations, as, async (manager) => {
      const to = await versionOf(manager, input, input.to);
      if (to instanceof Rejection) return to;
      const from =
        input.from === undefined
          ? await activeOf(manager, input)
          : await versionOf(manager, input, input.from);
      if (from instanceof Rejection) return from;
      const before = from?.effective ?? {};
      const shown = await this.secrets.masking(before, to.effective);
      return {
        ...(from && { from: from.config_version }),
        to: to.config_version,
        differences: differenceAnswers(before, to.effective, shown),
      };
    });
    return orRejection(read);
  }

  @Answers(effectiveConfiguration)
  async effective({ input, as }: Question<InputOf<typeof effectiveConfiguration>>) {
    const { service_id, environment } = input;
    const read = await this.readModels.ask(configurations, as, async (manager) => {
      const row = await inForce(manager, input);
      if (row instanceof Rejection) return row;
      const { effective, ...said } = row;
      const found = { service_id, environment, ...said, is_changed: effective !== null };
      if (effective === null) return found;
      const shown = await this.secrets.masking(effective);
      return { ...found, configuration: shown(effective) as Document };
    });
    return orRejection(read);
  }
}

type Of = { readonly service_id: string; readonly environment: string };

async function versionOf(
  manager: EntityManager,
  of: Of,
  version: string,
): Promise<WholeConfiguration | Rejection> {
  const [row]: WholeConfiguration[] = await manager.query(
    'select * from configuration where id = $1',
    [configurationId(of, version)],
  );
  return row ?? unknownConfiguration(of.service_id, of.environment, version);
}

async function activeOf(manager: EntityManager, of: Of): Promise<WholeConfiguration | undefined> {
  const [row]: WholeConfiguration[] = await manager.query(
    'select * from configuration where service_id = $1 and environment = $2 and is_active',
    [of.service_id, of.environment],
  );
  return row;
}

export const orRejection = <Answer>(read: Read<Answer | Rejection>): Read<Answer> | Rejection =>
  read.data instanceof Rejection ? read.data : { ...read, data: read.data };
