import { EventStore } from '@downbeat/event-store';
import { ReadModelBehind, ReadModels } from '@downbeat/projections';
import { abandonedVersion, isOlder, type KnownVersions } from '@downbeat/registry-domain';
import { HostSettings, loadConfig } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LiveDirectory } from '../directory/live-directory';
import { services } from '../projections/services/services.projection';
import { instanceConfig } from '../registry-config';

interface VersionsRow {
  readonly described: string;
  readonly described_for_ms: number;
  readonly listed: readonly string[];
}

const VERSIONS = `
  select service_version as described,
         extract(epoch from clock_timestamp() - last_deployment)::float8 * 1000 as described_for_ms,
         array(select distinct version from instance where service_id = service_name) as listed
  from service where service_name = $1`;

/** Who asks has one of the places that heartbeats need too, and is asked to say it again before long. */
const WAIT_MS = 500;

/** Whether a service is described by a version that nobody runs any more. */
@Injectable()
export class AbandonedVersions {
  /** For as long instances that have gone are listed, and the first one of a version may still come. */
  private readonly graceMs: number;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly directory: LiveDirectory,
    settings: HostSettings,
  ) {
    this.graceMs = loadConfig(instanceConfig, settings.environment).REGISTRY_TERMINATING_MS;
  }

  /**
   * As the log is now, whichever replica has written it and however far this one has read it. While one
   * that is newer than who speaks is remembered here, nothing else is asked.
   *
   * @returns undefined also when that cannot be known soon: then the service stays as it is.
   */
  async of(serviceName: string, said: string): Promise<string | undefined> {
    const remembered = [...this.directory.versionsOf(serviceName)];
    if (remembered.some((version) => isOlder(said, version))) return undefined;
    const min_position = await this.store.head();
    try {
      const as = { min_position, waitMs: WAIT_MS };
      const { data } = await this.readModels.ask(services, as, (manager) =>
        versionsOf(manager, serviceName),
      );
      return data && abandonedVersion(said, data, this.graceMs);
    } catch (fault) {
      if (fault instanceof ReadModelBehind) return undefined;
      throw fault;
    }
  }
}

async function versionsOf(
  manager: EntityManager,
  serviceName: string,
): Promise<KnownVersions | undefined> {
  const [row]: VersionsRow[] = await manager.query(VERSIONS, [serviceName]);
  return row && { ...row, describedForMs: row.described_for_ms };
}
