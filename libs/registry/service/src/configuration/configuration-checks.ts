import { EventStore } from '@downbeat/event-store';
import { fold, Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  schemaErrors,
  serviceRegistration,
  serviceStream,
  unknownService,
  valueErrors,
  type RegistrationEvent,
} from '@downbeat/registry-domain';
import { Injectable } from '@nestjs/common';

/** Whether a configuration is what its service says that configurations of it look like. */
@Injectable()
export class ConfigurationChecks {
  constructor(private readonly store: EventStore) {}

  /** @returns Why there can be no configuration of that service, or nothing. */
  async refusalOfService(serviceId: string): Promise<Rejection | undefined> {
    const schema = await this.schemaOf(serviceId);
    return schema instanceof Rejection ? schema : undefined;
  }

  /** @returns Why `effective` cannot be in force, or nothing. */
  async refusalOf(serviceId: string, effective: JsonObject): Promise<Rejection | undefined> {
    const schema = await this.schemaOf(serviceId);
    if (schema instanceof Rejection) return schema;
    if (schema === undefined) return undefined;
    // One from before schemas were looked at may be none.
    const wrong = refusalOfSchema(schema);
    if (wrong) return wrong;
    const errors = valueErrors(schema, effective, ['configuration']);
    if (errors instanceof Rejection) return errors;
    const [first] = errors;
    return (
      first &&
      new Rejection('configuration-invalid', `${first.field} ${first.message}`, 'invalid', errors)
    );
  }

  private async schemaOf(serviceId: string): Promise<JsonObject | Rejection | undefined> {
    const past = await this.store.load<RegistrationEvent>(serviceStream(serviceId));
    const service = fold(serviceRegistration, past);
    return service.status === 'unknown'
      ? unknownService(serviceId)
      : service.description.configuration_schema;
  }
}

/** @returns Why a service cannot say that this is how its configurations look, or nothing. */
export function refusalOfSchema(schema: JsonObject | undefined): Rejection | undefined {
  const errors = schemaErrors(schema ?? {}).map(({ field, message }) => ({
    field: ['configuration_schema', field].filter(Boolean).join('.'),
    message,
  }));
  const [first] = errors;
  return (
    first &&
    new Rejection(
      'configuration-schema-invalid',
      `${first.field} ${first.message}`,
      'invalid',
      errors,
    )
  );
}
