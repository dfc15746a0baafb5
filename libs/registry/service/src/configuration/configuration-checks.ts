import { EventStore } from '@downbeat/event-store';
import { fold, Rejection, type FieldError, type JsonObject } from '@downbeat/eventsourcing';
import {
  keptValueErrors,
  plainSecrets,
  schemaErrors,
  retiredService,
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
  refusalOf(serviceId: string, effective: JsonObject): Promise<Rejection | undefined> {
    return this.refusalBy(valueErrors, serviceId, effective);
  }

  /** @returns Why `effective`, which was accepted when it was made, cannot be in force now, or nothing. */
  refusalOfKept(serviceId: string, effective: JsonObject): Promise<Rejection | undefined> {
    return this.refusalBy(keptValueErrors, serviceId, effective);
  }

  /** @returns Why others cannot be built on `base`, which may lack what each of them adds, or nothing. */
  refusalOfBase(serviceId: string, base: JsonObject): Promise<Rejection | undefined> {
    return this.refusalBy(plainSecrets, serviceId, base);
  }

  private async refusalBy(
    check: typeof valueErrors,
    serviceId: string,
    document: JsonObject,
  ): Promise<Rejection | undefined> {
    const schema = await this.schemaOf(serviceId);
    if (schema instanceof Rejection) return schema;
    if (schema === undefined) return undefined;
    // One from before schemas were looked at may be none.
    const wrong = refusalOfSchema(schema);
    if (wrong) return wrong;
    const errors = check(schema, document, ['configuration']);
    return errors instanceof Rejection ? errors : refusalFor(errors);
  }

  private async schemaOf(serviceId: string): Promise<JsonObject | Rejection | undefined> {
    const past = await this.store.load<RegistrationEvent>(serviceStream(serviceId));
    const service = fold(serviceRegistration, past);
    if (service.status === 'unknown') return unknownService(serviceId);
    if (service.status === 'retired') return retiredService(serviceId);
    return service.description.configuration_schema;
  }
}

function refusalFor(errors: readonly FieldError[]): Rejection | undefined {
  const [first] = errors;
  return (
    first &&
    new Rejection('configuration-invalid', `${first.field} ${first.message}`, 'invalid', errors)
  );
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
