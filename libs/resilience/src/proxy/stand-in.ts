import type { Endpoint } from '../balancing/endpoint';
import { Deadline } from '../deadline/deadline';
import { within } from '../deadline/within';
import { CallFailure, CallResult } from './call-result';
import { standsInFor, type Fallback } from './fallback';
import type { ProxyRequest } from './ports';
import type { Target } from './target';

/** What the fallback says in place of an answer, marked as that. @throws The failure, if it says nothing. */
export async function standInFor<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  fallback: Fallback<Request, Answer>,
  request: Request,
  untilMs: number,
  failure: unknown,
): Promise<CallResult<Answer>> {
  if (!(failure instanceof CallFailure) || !standsInFor(fallback.when, failure)) throw failure;
  const answer = await saidBy(target, fallback, request, untilMs, failure);
  target.counts.fallbacks++;
  target.parts.tell({ kind: 'stood-in', target: target.name, by: 'fallback', failure });
  return new CallResult(answer, 'fallback', undefined, failure.attempts, failure);
}

function saidBy<E extends Endpoint, Request extends ProxyRequest, Answer>(
  target: Target<E, Request, Answer>,
  fallback: Fallback<Request, Answer>,
  request: Request,
  untilMs: number,
  failure: CallFailure,
): Answer | Promise<Answer> {
  switch (fallback.kind) {
    case 'value':
      return fallback.value;
    case 'function': {
      const said = fallback.of(failure, request, Deadline.at(untilMs));
      if (!(said instanceof Promise)) return said;
      const { timeOuts } = target.parts.ports;
      return within(said, untilMs, timeOuts, () => failure);
    }
  }
}
