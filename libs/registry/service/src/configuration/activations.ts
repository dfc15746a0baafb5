import type { DataOf, registryContract } from '@downbeat/contracts';
import { EventStore, type Snapshot } from '@downbeat/event-store';
import type { Instant, JsonObject, Rejection } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  configurationHistory,
  configurationStream,
  provenBefore,
  unknownConfiguration,
  type ConfigurationHistory,
} from '@downbeat/registry-domain';
import { carryOut, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { ConfigurationChecks } from './configuration-checks';
import { ConfigurationDocuments } from './configuration-documents';
import { KnownHistories } from './known-histories';

type Asked =
  | {
      readonly type: 'ActivateConfiguration';
      readonly data: DataOf<typeof registryContract.activateConfiguration>;
    }
  | {
      readonly type: 'RollbackConfiguration';
      readonly data: DataOf<typeof registryContract.rollbackConfiguration>;
    };

/** Puts versions in force, after another look whether they are what their service expects: that may have changed. */
@Injectable()
export class Activations {
  constructor(
    private readonly store: EventStore,
    private readonly histories: KnownHistories,
    private readonly documents: ConfigurationDocuments,
    private readonly checks: ConfigurationChecks,
  ) {}

  async carryOut(asked: Asked, at: Instant, cause: Cause): Promise<CommandOutcome> {
    const { service_id, environment } = asked.data;
    const from = await this.histories.newest(service_id, environment);
    const refusal = await this.refusalOf(asked, from);
    if (refusal) return refused(refusal);
    const activated_by = cause.meta.actor;
    const command =
      asked.type === 'ActivateConfiguration'
        ? ({ type: asked.type, data: { ...asked.data, activated_by }, at } as const)
        : ({ type: asked.type, data: { ...asked.data, activated_by }, at } as const);
    return carryOut(
      this.store,
      configurationHistory,
      configurationStream(service_id, environment),
      command,
      cause,
      (state) => answerOf(asked, state),
      from,
    );
  }

  private async refusalOf(
    { data }: Asked,
    { state, position }: Snapshot<ConfigurationHistory>,
  ): Promise<Rejection | undefined> {
    const { service_id, environment, config_version = provenBefore(state) } = data;
    const unknown = await this.checks.refusalOfService(service_id);
    // That there is nothing to roll back to is for the rules to say.
    if (unknown || config_version === undefined) return unknown;
    if (!state.versions.has(config_version))
      return unknownConfiguration(service_id, environment, config_version);
    const effective = await this.documents.effective(data, config_version, position);
    return this.checks.refusalOfKept(service_id, effective);
  }
}

const answerOf = ({ data }: Asked, { active }: ConfigurationHistory): JsonObject => ({
  service_id: data.service_id,
  environment: data.environment,
  config_version: active?.config_version ?? '',
  checksum: active?.checksum ?? '',
  activation: active?.activation ?? 0,
  status: active?.gate ? 'observing' : 'active',
});
