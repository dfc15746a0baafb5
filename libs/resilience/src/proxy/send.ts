import type { Endpoint } from '../balancing/endpoint';
import { Call } from './call';
import type { CallPlan } from './call-plan';
import type { CallResult } from './call-result';
import type { ProxyRequest } from './ports';
import type { Target } from './target';

/** Makes the call. @param untilMs When nobody waits for it any more. */
export function send<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  plan: CallPlan<Request, Answer>,
  request: Request,
  untilMs: number,
  nowMs: number,
): Promise<CallResult<Answer>> {
  return new Promise((resolve, reject) => {
    new Call(target, plan, request, untilMs, resolve, reject).begin(nowMs);
  });
}
