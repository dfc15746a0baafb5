import { endOfStatus, routeTemplate, type CallEnd, type EndedCall } from '@downbeat/breakers';
import { Refusal, type Transport } from '@downbeat/resilience';
import { HttpRefusal, type HttpAnswer, type HttpRequest } from './http-transport';
import type { InstanceEndpoint } from './instances';

type Send = Transport<InstanceEndpoint, HttpRequest, HttpAnswer>;
export type OnEndedCall = (call: Omit<EndedCall, 'endedAtMs'>) => void;

/** Tells how each request ended that was sent: every attempt is one, and what nobody waits for any more is none. */
export function observed(send: Send, onEnded: OnEndedCall, now: () => number): Send {
  return async (endpoint, request, context) => {
    const beganMs = now();
    const tell = (end: CallEnd): void =>
      onEnded({
        target: endpoint.service,
        protocol: 'http',
        method: request.method.toUpperCase(),
        endpoint: routeTemplate(request.path),
        end,
        durationMs: now() - beganMs,
      });
    try {
      const answer = await send(endpoint, request, context);
      tell(endOfStatus(answer.status));
      return answer;
    } catch (failure) {
      const end = endOf(failure);
      if (end) tell(end);
      throw failure;
    }
  };
}

/** Undefined: nobody waited for it to the end, and nothing is known of the target. */
function endOf(failure: unknown): CallEnd | undefined {
  if (failure instanceof HttpRefusal) return endOfStatus(failure.status);
  if (!(failure instanceof Refusal)) return 'unanswered';
  return failure.code === 'resilience/timed-out' ? 'unanswered' : undefined;
}
