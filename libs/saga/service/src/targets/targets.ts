import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { HttpTarget } from './http-target';
import { NatsTarget } from './nats-target';
import { TargetCaller, type CallContext } from './target-caller';

/** Over HTTP or over NATS, as the step's endpoint says. */
@Injectable()
export class Targets extends TargetCaller {
  constructor(
    private readonly http: HttpTarget,
    private readonly nats: NatsTarget,
  ) {
    super();
  }

  call(effect: CallEffect, context: CallContext): Promise<CallResult | undefined> {
    const target = effect.endpoint.startsWith('nats:') ? this.nats : this.http;
    return target.call(effect, context);
  }
}
