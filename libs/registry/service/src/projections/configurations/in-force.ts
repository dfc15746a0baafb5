import { Rejection, type Instant } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';
import type { Document } from './answers';

interface Asked {
  readonly service_id: string;
  readonly environment: string;
  /** Of the one the asker has. */
  readonly checksum?: string | undefined;
  /** With which it was given that. */
  readonly activation?: number | undefined;
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
export async function inForce(manager: EntityManager, asked: Asked): Promise<InForce | Rejection> {
  const { service_id, environment, checksum } = asked;
  const [row]: InForce[] = await manager.query(
    `select config_version, checksum, activation, applied_at,
            case when checksum = $3 then null else effective end as effective
     from configuration where service_id = $1 and environment = $2 and is_active`,
    [service_id, environment, checksum ?? null],
  );
  if (row) return row;
  return (await hasEnded(manager, asked)) ? noneInForce(asked) : notInHistory(asked);
}

/** Whether this log holds that what the asker has was in force, and is not any more. */
async function hasEnded(
  manager: EntityManager,
  { service_id, environment, checksum, activation }: Asked,
): Promise<boolean> {
  if (checksum === undefined) return true;
  const [found]: { has_ended: boolean }[] = await manager.query(
    `select exists (
       select from configuration_activation
       where service_id = $1 and environment = $2 and checksum = $3
         and ($4::bigint is null or activation = $4)
         and status in ('reverted', 'superseded')
     ) as has_ended`,
    [service_id, environment, checksum, activation ?? null],
  );
  return found?.has_ended === true;
}

const noneInForce = ({ service_id, environment }: Asked): Rejection =>
  new Rejection(
    'no-configuration-in-force',
    `no configuration of ${service_id} is in force in ${environment}`,
    'not-found',
  );

/** Nobody took it back: the log may have been restored from before. */
const notInHistory = ({ service_id, environment }: Asked): Rejection =>
  new Rejection(
    'configuration-not-in-history',
    `no configuration of ${service_id} is in force in ${environment}, and it is not known that the one you have ever was: keep it`,
  );
