import { registryContract, type AnswerOf } from '@downbeat/contracts';
import { differences, pointerOf, type Difference } from '@downbeat/registry-domain';
import type { Instant, Json, JsonObject } from '@downbeat/eventsourcing';

type Summary = AnswerOf<typeof registryContract.listConfigurations>['configurations'][number];
type Diff = AnswerOf<typeof registryContract.diffConfigurations>;

/** A row of `configuration` as Postgres gives it, without its documents. */
export interface ConfigurationSummary {
  readonly id: string;
  readonly service_id: string;
  readonly environment: string;
  readonly config_version: string;
  readonly created_position: number;
  readonly base_version: string | null;
  readonly description: string | null;
  readonly checksum: string;
  readonly secrets_refs: readonly string[];
  readonly is_encrypted: boolean;
  readonly is_active: boolean;
  readonly applied_at: Instant | null;
  readonly created_by: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export type Document = Record<string, Json>;

export interface WholeConfiguration extends ConfigurationSummary {
  readonly configuration: Document;
  readonly effective: Document;
}

export const summaryAnswer = (row: ConfigurationSummary): Summary => ({
  id: row.id,
  service_id: row.service_id,
  environment: row.environment as Summary['environment'],
  config_version: row.config_version,
  ...(row.base_version !== null && { base_version: row.base_version }),
  ...(row.description !== null && { description: row.description }),
  checksum: row.checksum,
  secrets_refs: [...row.secrets_refs],
  is_active: row.is_active,
  is_encrypted: row.is_encrypted,
  ...(row.applied_at !== null && { applied_at: row.applied_at }),
  created_by: row.created_by,
  created_at: row.created_at,
  updated_at: row.updated_at,
});

/** Compared as they are kept, shown as anybody may see them. */
export const differenceAnswers = (
  from: JsonObject,
  to: JsonObject,
  shown: (value: Json) => Json,
): Diff['differences'] =>
  differences(from, to).map((one: Difference) => ({
    path: pointerOf(one.path),
    change: one.change,
    ...('from' in one && { from: shown(one.from) }),
    ...('to' in one && { to: shown(one.to) }),
  }));
