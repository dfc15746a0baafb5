import { Rejection, type Instant } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';
import type { Document } from './answers';

interface Asked {
  readonly service_id: string;
  readonly environment: string;
  /** Of the one the asker has. */
  readonly checksum?: string | undefined;
}

export interface InForce {
  readonly config_version: string;
  readonly checksum: string;
  readonly activation: number;
  readonly applied_at: Instant;
  /** Null: the asker has it. */
  readonly effective: Document | null;
}

/** The configuration in force; its document only for those who have another one. */
export async function inForce(
  manager: EntityManager,
  { service_id, environment, checksum }: Asked,
): Promise<InForce | undefined> {
  const [row]: InForce[] = await manager.query(
    `select config_version, checksum, activation, applied_at,
            case when checksum = $3 then null else effective end as effective
     from configuration where service_id = $1 and environment = $2 and is_active`,
    [service_id, environment, checksum ?? null],
  );
  return row;
}

export const nothingInForce = ({ service_id, environment }: Asked): Rejection =>
  new Rejection(
    'no-configuration-in-force',
    `no configuration of ${service_id} is in force in ${environment}`,
    'not-found',
  );
