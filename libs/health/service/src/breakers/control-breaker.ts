import { healthContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import {
  breakerControl,
  breakerStream,
  type BreakerCommand,
  type BreakerControl,
  type BreakerControlEvent,
  type BreakerKey,
  type BreakerSettings,
} from '@downbeat/health-domain';
import { MessageBus } from '@downbeat/message-bus';
import { wrongFieldOf } from '@downbeat/resilience';
import { carryOut, refused, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { BreakerRows, unknownBreaker } from '../projections/breakers/breaker-rows';

export type NamedBreaker = BreakerKey & { readonly breaker_id: string };

/** Records what somebody said of a breaker, and wakes those who hold it. */
@Injectable()
export class ControlBreaker {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly rows: BreakerRows,
  ) {}

  async carryOut(
    command: BreakerCommand,
    cause: Cause,
    more: (state: BreakerControl) => JsonObject = () => ({}),
  ) {
    const { breaker_id, service_name } = command.data;
    const stream = breakerStream(breaker_id);
    const outcome = await carryOut(this.store, breakerControl, stream, command, cause, (state) => ({
      breaker_id,
      ...more(state),
    }));
    if (outcome.accepted) this.wake(outcome.position, service_name);
    return outcome;
  }

  /** The same for one that is known by its id: somebody has set it, or a holder has told of it. */
  async carryOutOn(
    breaker_id: string,
    commandOn: (named: NamedBreaker) => BreakerCommand,
    cause: Cause,
    more?: (state: BreakerControl) => JsonObject,
  ) {
    const key = await this.keyOf(breaker_id);
    if (!key) return refused(unknownBreaker(breaker_id));
    return this.carryOut(commandOn({ breaker_id, ...key }), cause, more);
  }

  /** @param service_name Whose breakers; default: everybody's. */
  wake(position: number, service_name?: string): void {
    const whose = service_name === undefined ? {} : { service_name };
    this.bus.hint(healthContract.BREAKER_HINT, { position, ...whose });
  }

  private async keyOf(id: string): Promise<BreakerKey | undefined> {
    const [first] = await this.store.load<BreakerControlEvent>(breakerStream(id));
    const known = first?.data ?? (await this.rows.ask({}, (reading) => reading.row(id))).data;
    if (!known) return undefined;
    const { service_name, target_service, endpoint_pattern } = known;
    return { service_name, target_service, endpoint_pattern };
  }
}

/** What of a command's data are settings. */
export const settingsOf = ({
  failure_threshold,
  success_threshold,
  timeout_duration,
  policy,
}: BreakerSettings): BreakerSettings => ({
  failure_threshold,
  success_threshold,
  timeout_duration,
  ...(policy !== undefined && { policy }),
});

/** Why no breaker could follow these settings, if so. */
export function settingsRefused(
  settings: BreakerSettings,
  endpoint_pattern = '*',
): Rejection | undefined {
  const wrong = wrongFieldOf(settings, endpoint_pattern);
  return wrong && invalidField(wrong.field, wrong.message);
}

export const invalidField = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
