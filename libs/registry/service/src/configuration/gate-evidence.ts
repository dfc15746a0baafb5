import { EventStore } from '@downbeat/event-store';
import { ReadModels } from '@downbeat/projections';
import type { GateEvidence, HealthGate } from '@downbeat/registry-domain';
import { ContextPool } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { configurations } from '../projections/configurations/configurations.projection';

/** Judged at one look; others wait for the next one. */
const GATES_MAX = 200;
const REFUSALS_MAX = 5;

export interface OpenGate {
  readonly service_id: string;
  readonly environment: string;
  readonly activation: number;
  readonly gate: HealthGate;
  readonly evidence: GateEvidence;
}

interface Observed extends Omit<OpenGate, 'evidence'> {
  readonly checksum: string;
  readonly activated_at: Date | string;
  readonly observed_ms: number;
}

/** What instances say and show of the configurations that are being watched. */
@Injectable()
export class GateEvidenceReader {
  private listeningSince: Date | undefined;

  constructor(
    private readonly pool: ContextPool,
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
  ) {}

  /** Nobody could be heard until now. */
  async listenAnew(): Promise<void> {
    const { rows } = await this.pool.query<{ now: Date }>('select clock_timestamp() as now');
    this.listeningSince = rows[0]?.now;
  }

  /** Those that wait for a judgement, with what the log holds of them by now. */
  async openGates(): Promise<readonly OpenGate[]> {
    const { rows } = await this.pool.query<{ is_any: boolean }>(
      `select exists (select from configuration_activation where status = 'observing') as is_any`,
    );
    if (rows[0]?.is_any !== true) return [];
    // A refusal that the log has must not be missed because it was not projected yet.
    const as = { min_position: await this.store.head() };
    const { data } = await this.readModels.ask(configurations, as, async (manager) => {
      const observed: Observed[] = await manager.query(
        `select service_id, environment, activation, gate, checksum, activated_at,
           floor(extract(epoch from clock_timestamp()
             - greatest(activated_at, $1::timestamptz)) * 1000)::int as observed_ms
         from configuration_activation where status = 'observing'
         order by activated_at, id limit ${GATES_MAX}`,
        [this.listeningSince],
      );
      const gates: OpenGate[] = [];
      for (const one of observed) gates.push(await withEvidence(manager, one));
      return gates;
    });
    return data;
  }
}

/**
 * An instance that was lost since counts as unhealthy, by its heartbeats or its connection: it may have
 * died of the configuration. One that said goodbye does not count, nor does one that was unhealthy
 * before and was lost then. Who starts anew or was well in between has begun again.
 */
const SEEN = `
  select *, (status = 'unhealthy' and unwell_since > $5) or is_silent as is_unhealthy,
    status = 'unhealthy' and unwell_since <= $5 as is_unhealthy_before,
    coalesce(outcome = 'applied' and checksum = $3, false) as is_applied,
    coalesce(outcome = 'refused' and activation = $4, false) as is_refused
  from (
    select *, status = 'terminating' and ending <> 'deregistered'
      and unwell_since > $5 as is_silent
    from configured_instance where service_id = $1 and (environment is null or environment = $2)
  ) i`;

async function withEvidence(
  manager: EntityManager,
  { checksum, activated_at, observed_ms, ...open }: Observed,
): Promise<OpenGate> {
  const { service_id, environment, activation } = open;
  const parameters = [service_id, environment, checksum, activation, activated_at];
  const [counts]: Omit<GateEvidence, 'observed_ms' | 'refusals'>[] = await manager.query(
    `select count(*) filter (where status <> 'terminating' or is_silent)::int as instances,
       count(*) filter (where is_unhealthy)::int as unhealthy,
       count(*) filter (where is_unhealthy_before)::int as unhealthy_before,
       count(*) filter (where is_applied and status <> 'terminating')::int as applied,
       count(*) filter (where is_refused)::int as refused
     from (${SEEN}) seen`,
    parameters,
  );
  const refusals: { instance_id: string; reason: string | null }[] = await manager.query(
    `select instance_id, reason from (${SEEN}) seen where is_refused
     order by acknowledged_at, instance_id limit ${REFUSALS_MAX}`,
    parameters,
  );
  return {
    ...open,
    evidence: {
      ...(counts ?? { instances: 0, unhealthy: 0, applied: 0, refused: 0 }),
      observed_ms,
      refusals: refusals.map(({ instance_id, reason }) => ({
        instance_id,
        ...(reason !== null && { reason }),
      })),
    },
  };
}
