import type { Endpoint } from '../balancing/endpoint';
import { onAbort } from './abortable';
import { abort } from './call';
import type { CallPlan } from './call-plan';
import type { CallResult } from './call-result';
import type { ProxyRequest } from './ports';
import { ProxiedAttempt } from './proxied-attempt';
import type { Target } from './target';

/** Makes the call. @param untilMs When nobody waits for it any more. */
export function send<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  plan: CallPlan<Request, Answer>,
  request: Request,
  untilMs: number,
  nowMs: number,
): Promise<CallResult<Answer>> {
  target.counts.calls++;
  const call = new ProxiedAttempt(target, plan, request, untilMs, undefined, 1, false);
  const running = new Promise<CallResult<Answer>>((resolve, reject) => {
    call.resolve = resolve;
    call.reject = reject;
  });
  if (plan.signal !== undefined) watch(call, plan.signal, running);
  if (!call.isOver) call.begin(nowMs);
  return running;
}

function watch<E extends Endpoint, Request extends ProxyRequest, Answer>(
  call: ProxiedAttempt<E, Request, Answer>,
  signal: AbortSignal,
  running: Promise<unknown>,
): void {
  const end = onAbort(signal, () => abort(call));
  running.then(end, end);
}
