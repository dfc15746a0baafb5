import type { DataOf, registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, type Rejection } from '@downbeat/eventsourcing';
import {
  instanceRegistration,
  instanceStream,
  ofAnotherService,
  unknownInstance,
  type InstanceEvent,
  type InstanceName,
} from '@downbeat/registry-domain';
import { ContextPool } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { LiveDirectory } from '../directory/live-directory';

type Heartbeat = DataOf<typeof registryContract.heartbeat>;

/** An instance that has not been heard of for longer than it promised. */
export interface SilentInstance {
  readonly service_id: string;
  readonly instance_id: string;
  readonly silent_for_ms: number;
  /** Instances of its service, those that have gone a moment ago included. */
  readonly registered: number;
  /** Of them, those that were given up in the window. */
  readonly given_up: number;
}

/** An instance by its names, and the database's time when it was looked for. */
export interface FoundInstance {
  readonly service_id: string;
  readonly instance_id: string;
  readonly now: Date;
}

/** By then what was said while nobody listened has been read. */
const CAUGHT_UP_MS = 60_000;
/** Of one look; so that one whose instances are held back does not stand before all others. */
const ONE_SERVICE_MAX = 50;

/** When each instance was last heard of. Times are the database's, so replicas agree. */
@Injectable()
export class Heartbeats {
  private listeningSince = new Date();

  constructor(
    private readonly pool: ContextPool,
    private readonly store: EventStore,
    private readonly directory: LiveDirectory,
  ) {}

  async prepare(): Promise<void> {
    await this.pool.createOnce(
      'heartbeat',
      `create table if not exists heartbeat (
         instance_id text collate "C" primary key,
         last_seen_at timestamptz not null,
         resource_usage json
       )`,
    );
    await this.listenAnew();
  }

  /** Nobody could be heard until now, so nobody has been silent. */
  async listenAnew(): Promise<void> {
    const { rows } = await this.pool.query<{ now: Date }>('select clock_timestamp() as now');
    this.listeningSince = rows[0]?.now ?? new Date();
  }

  /** @returns Why there is no such instance to be alive, or nothing. */
  async note({
    service_id,
    instance_id,
    resource_usage,
  }: Heartbeat): Promise<Rejection | undefined> {
    const refused = await this.refusalOf({ service_id, instance_id });
    if (refused) return refused;
    await this.pool.query(
      `insert into heartbeat (instance_id, last_seen_at, resource_usage)
       values ($1, clock_timestamp(), $2)
       on conflict (instance_id) do update
         set last_seen_at = excluded.last_seen_at,
             resource_usage = coalesce(excluded.resource_usage, heartbeat.resource_usage)`,
      [instance_id, resource_usage === undefined ? null : JSON.stringify(resource_usage)],
    );
    return undefined;
  }

  /** From memory as a rule: a heartbeat costs one write. */
  private async refusalOf(names: InstanceName): Promise<Rejection | undefined> {
    if (this.directory.isPresent(names)) return undefined;
    const past = await this.store.load<InstanceEvent>(instanceStream(names.instance_id));
    const instance = fold(instanceRegistration, past);
    if (instance.status === 'absent' || instance.status === 'terminating')
      return unknownInstance(names.instance_id);
    return ofAnotherService(names, instance);
  }

  /**
   * Instances whose heartbeats stay away, those that are silent for longest first. Nobody was heard while
   * the registry was not listening.
   *
   * @param windowMs For which it is counted how many of their service were given up.
   */
  async silent(limit: number, windowMs: number): Promise<readonly SilentInstance[]> {
    const { rows } = await this.pool.query<SilentInstance>(
      `select service_id, instance_id, silent_for_ms,
              (select count(*)::int from instance o where o.service_id = listened.service_id)
                as registered,
              (select count(*)::int from instance o
               where o.service_id = listened.service_id and o.status = 'terminating'
                 and o.lifecycle = 'failed'
                 and o.status_changed_at
                   > clock_timestamp() - make_interval(secs => $3::float8 / 1000)) as given_up
       from (
         select i.service_id, i.instance_id, i.heartbeat_ttl_ms,
                extract(epoch from clock_timestamp()
                  - greatest(h.last_seen_at, i.started_at, i.adjusted_at, $1::timestamptz))::float8 * 1000
                  as silent_for_ms,
                row_number() over (partition by i.service_id
                  order by greatest(h.last_seen_at, i.started_at, i.adjusted_at, $1::timestamptz)) as nth
         from instance i left join heartbeat h using (instance_id)
         where i.heartbeat_ttl_ms is not null and i.status <> 'terminating'
       ) listened
       where silent_for_ms > heartbeat_ttl_ms and nth <= $4
       order by silent_for_ms desc
       limit $2`,
      [this.listeningSince, limit, windowMs, ONE_SERVICE_MAX],
    );
    return rows;
  }

  /** Terminating instances that have been so for `ms`. */
  async terminatedFor(
    ms: number,
    limit: number,
  ): Promise<readonly { service_id: string; instance_id: string }[]> {
    const { rows } = await this.pool.query<{ service_id: string; instance_id: string }>(
      `select service_id, instance_id from instance
       where status = 'terminating'
         and status_changed_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)
       limit $2`,
      [ms, limit],
    );
    return rows;
  }

  /** Instances that were held back, and need not be any more. */
  async suppressionOver(limit: number): Promise<readonly FoundInstance[]> {
    const { rows } = await this.pool.query<FoundInstance>(
      `select service_id, instance_id, clock_timestamp() as now from instance
       where suppressed_until <= clock_timestamp() and status <> 'terminating' limit $1`,
      [limit],
    );
    return rows;
  }

  /**
   * Instances that nobody could use for `ms`, and that nothing else would notice the end of. None before the
   * registry has listened for a minute, or for `ms`: what their checks said while it did not is to be read first.
   */
  async unusableFor(ms: number, limit: number): Promise<readonly FoundInstance[]> {
    const { rows } = await this.pool.query<FoundInstance>(
      `select service_id, instance_id, clock_timestamp() as now from instance
       where heartbeat_ttl_ms is null and status in ('starting', 'unhealthy')
         and status_changed_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)
         and $3::timestamptz < clock_timestamp() - make_interval(secs => $4::float8 / 1000)
       limit $2`,
      [ms, limit, this.listeningSince, Math.min(ms, CAUGHT_UP_MS)],
    );
    return rows;
  }

  /** Instances of services that were retired while these registered. */
  async ofRetiredServices(
    limit: number,
  ): Promise<readonly { service_id: string; instance_id: string }[]> {
    const { rows } = await this.pool.query<{ service_id: string; instance_id: string }>(
      `select service_id, instance_id from instance join service on service_name = service_id
       where retired_at is not null and status <> 'terminating' limit $1`,
      [limit],
    );
    return rows;
  }

  async forget(instanceId: string): Promise<void> {
    await this.pool.query('delete from heartbeat where instance_id = $1', [instanceId]);
  }
}
