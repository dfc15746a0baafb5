import { registryContract, type DataOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { canonicalJson, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  ciphertextOf,
  configurationHistory,
  configurationStream,
  mergePatch,
  secretReferences,
  secretsIn,
  unknownConfiguration,
} from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { createHash } from 'node:crypto';
import { ConfigurationChecks } from '../configuration/configuration-checks';
import { ConfigurationDocuments } from '../configuration/configuration-documents';
import { KnownHistories } from '../configuration/known-histories';
import { SecretKeeper } from '../secrets/secret-keeper';

type Said = DataOf<typeof registryContract.createConfiguration>;
const BASE = 'base';

export class CreateConfiguration extends commandOf(registryContract.createConfiguration) {}

/** What holds is made here once and for all: a newer base changes no version that was built on another. */
@CommandHandler(CreateConfiguration)
export class CreateConfigurationHandler implements ICommandHandler<CreateConfiguration> {
  constructor(
    private readonly store: EventStore,
    private readonly histories: KnownHistories,
    private readonly documents: ConfigurationDocuments,
    private readonly checks: ConfigurationChecks,
    private readonly secrets: SecretKeeper,
  ) {}

  async execute({ data, at, cause }: CreateConfiguration) {
    const { service_id, environment } = data;
    const unknown = await this.checks.refusalOfService(service_id);
    if (unknown) return refused(unknown);
    const base = await this.baseOf(data);
    if (base instanceof Rejection) return refused(base);
    const { base_version, document } = base;
    const invalid =
      environment === BASE
        ? await this.checks.refusalOfBase(service_id, data.configuration)
        : await this.checks.refusalOf(service_id, mergePatch(document, data.configuration));
    if (invalid) return refused(invalid);
    const configuration = await this.secrets.keep(data, data.configuration, (version) =>
      this.earlier(data, version),
    );
    if (configuration instanceof Rejection) return refused(configuration);
    const effective = mergePatch(document, configuration);

    const { base_version: _, ...said } = data;
    const created = {
      ...said,
      configuration,
      ...(base_version !== undefined && { base_version }),
      effective,
      checksum: createHash('sha256').update(canonicalJson(effective)).digest('hex'),
      secrets_refs: secretReferences(effective),
      is_encrypted: secretsIn(effective).some(({ secret }) => ciphertextOf(secret)),
      created_by: data.created_by ?? cause.meta.actor,
    };
    const stream = configurationStream(service_id, environment);
    const command = { type: 'CreateConfiguration', data: created, at } as const;
    const from = await this.histories.newest(service_id, environment);
    return carryOut(
      this.store,
      configurationHistory,
      stream,
      command,
      cause,
      ({ newest }) => ({
        ...{ service_id, environment, checksum: created.checksum },
        config_version: data.config_version ?? newest ?? '',
      }),
      from,
    );
  }

  private async earlier(
    { service_id, environment }: Said,
    version: string,
  ): Promise<JsonObject | undefined> {
    const { state, position } = await this.histories.newest(service_id, environment);
    if (!state.versions.has(version)) return undefined;
    return this.documents.effective({ service_id, environment }, version, position);
  }

  /** Of the newest base, or of the one that is named. The base itself has none. */
  private async baseOf({ service_id, environment, base_version }: Said): Promise<Base | Rejection> {
    const base = { service_id, environment: BASE };
    if (environment === BASE)
      return base_version === undefined ? { document: {} } : baseOfBase(base_version);
    const { state, position } = await this.histories.newest(service_id, BASE);
    const version = base_version ?? state.newest;
    if (version === undefined) return { document: {} };
    if (!state.versions.has(version)) return unknownBase(service_id, version);
    const document = await this.documents.effective(base, version, position);
    return { base_version: version, document };
  }
}

interface Base {
  readonly base_version?: string;
  readonly document: JsonObject;
}

function unknownBase(service: string, version: string): Rejection {
  const { code, message, kind } = unknownConfiguration(service, BASE, version);
  return new Rejection(code, message, kind, [{ field: 'base_version', message: 'does not exist' }]);
}

const baseOfBase = (version: string): Rejection =>
  new Rejection('base-of-base', `the base is not built on another one: ${version}`, 'invalid', [
    { field: 'base_version', message: 'must not be there for the base itself' },
  ]);
