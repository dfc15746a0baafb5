import { healthContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ControlBreaker } from '../breakers/control-breaker';

export class ResetCircuitBreaker extends commandOf(healthContract.resetCircuitBreaker) {}
export class ForceCircuitBreaker extends commandOf(healthContract.forceCircuitBreaker) {}
export class ReleaseCircuitBreaker extends commandOf(healthContract.releaseCircuitBreaker) {}

// Accepted means that the order stands: its holders carry it out, and say so with their next report.

@CommandHandler(ResetCircuitBreaker)
export class ResetCircuitBreakerHandler implements ICommandHandler<ResetCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  execute({ data: { breaker_id, reason, force }, at, cause }: ResetCircuitBreaker) {
    return this.control.carryOutOn(
      breaker_id,
      (named) => ({ type: 'ResetBreaker', data: { ...named, reason, force }, at }),
      cause,
      ({ orderNo }) => ({ order_no: orderNo }),
    );
  }
}

@CommandHandler(ForceCircuitBreaker)
export class ForceCircuitBreakerHandler implements ICommandHandler<ForceCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  execute({ data, at, cause }: ForceCircuitBreaker) {
    const { breaker_id, mode, reason, expires_in_seconds } = data;
    return this.control.carryOutOn(
      breaker_id,
      (named) => ({
        type: 'ForceBreaker',
        data: { ...named, mode, reason, expires_in_seconds },
        at,
      }),
      cause,
      ({ orderNo, forced }) => ({ order_no: orderNo, until: forced?.until ?? at }),
    );
  }
}

@CommandHandler(ReleaseCircuitBreaker)
export class ReleaseCircuitBreakerHandler implements ICommandHandler<ReleaseCircuitBreaker> {
  constructor(private readonly control: ControlBreaker) {}

  execute({ data: { breaker_id, reason }, at, cause }: ReleaseCircuitBreaker) {
    return this.control.carryOutOn(
      breaker_id,
      (named) => ({ type: 'ReleaseBreaker', data: { ...named, reason }, at }),
      cause,
      ({ orderNo }) => ({ order_no: orderNo }),
    );
  }
}
