import { healthContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { breakerDefaults, breakerDefaultsStream } from '@downbeat/health-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { breakerIdOf } from '../breakers/breaker-id';
import {
  ControlBreaker,
  invalidField,
  settingsOf,
  settingsRefused,
} from '../breakers/control-breaker';

export class CreateCircuitBreaker extends commandOf(healthContract.createCircuitBreaker) {}
export class UpdateCircuitBreaker extends commandOf(healthContract.updateCircuitBreaker) {}
export class RemoveCircuitBreaker extends commandOf(healthContract.removeCircuitBreaker) {}
export class PutBreakerDefaults extends commandOf(healthContract.putBreakerDefaults) {}
export class RemoveBreakerDefaults extends commandOf(healthContract.removeBreakerDefaults) {}

@CommandHandler(CreateCircuitBreaker)
export class CreateCircuitBreakerHandler implements ICommandHandler<CreateCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  async execute({ data, at, cause }: CreateCircuitBreaker) {
    const { service_name, target_service, endpoint_pattern } = data;
    const breaker_id = breakerIdOf(data);
    // Its stream is found by what it is about: under another id it would be found by nobody.
    if (data.breaker_id !== breaker_id)
      return refused(invalidField('breaker_id', `must be ${breaker_id} for these services`));
    const settings = settingsOf(data);
    const refusal = settingsRefused(settings, endpoint_pattern);
    if (refusal) return refused(refusal);
    const named = { breaker_id, service_name, target_service, endpoint_pattern };
    const command = { type: 'CreateBreaker', data: { ...named, settings }, at } as const;
    return this.control.carryOut(command, cause);
  }
}

@CommandHandler(UpdateCircuitBreaker)
export class UpdateCircuitBreakerHandler implements ICommandHandler<UpdateCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  async execute({ data, at, cause }: UpdateCircuitBreaker) {
    const settings = settingsOf(data);
    const refusal = settingsRefused(settings);
    if (refusal) return refused(refusal);
    return this.control.carryOutOn(
      data.breaker_id,
      (named) => ({ type: 'ChangeBreaker', data: { ...named, settings }, at }),
      cause,
    );
  }
}

@CommandHandler(RemoveCircuitBreaker)
export class RemoveCircuitBreakerHandler implements ICommandHandler<RemoveCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  execute({ data, at, cause }: RemoveCircuitBreaker) {
    return this.control.carryOutOn(
      data.breaker_id,
      (named) => ({ type: 'RemoveBreaker', data: named, at }),
      cause,
    );
  }
}

@CommandHandler(PutBreakerDefaults)
export class PutBreakerDefaultsHandler implements ICommandHandler<PutBreakerDefaults> {
  constructor(
    private readonly store: EventStore,
    private readonly control: ControlBreaker,
  ) {}

  async execute({ data, at, cause }: PutBreakerDefaults) {
    const settings = settingsOf(data);
    const refusal = settingsRefused(settings);
    if (refusal) return refused(refusal);
    const command = { type: 'SetDefaults', data: { settings }, at } as const;
    const outcome = await carryOut(
      this.store,
      breakerDefaults,
      breakerDefaultsStream,
      command,
      cause,
      () => ({ scope: 'all' }),
    );
    if (outcome.accepted) this.control.wake(outcome.position);
    return outcome;
  }
}

@CommandHandler(RemoveBreakerDefaults)
export class RemoveBreakerDefaultsHandler implements ICommandHandler<RemoveBreakerDefaults> {
  constructor(
    private readonly store: EventStore,
    private readonly control: ControlBreaker,
  ) {}

  async execute({ at, cause }: RemoveBreakerDefaults) {
    const command = { type: 'RemoveDefaults', data: {}, at } as const;
    const outcome = await carryOut(
      this.store,
      breakerDefaults,
      breakerDefaultsStream,
      command,
      cause,
      () => ({ scope: 'all' }),
    );
    if (outcome.accepted) this.control.wake(outcome.position);
    return outcome;
  }
}
