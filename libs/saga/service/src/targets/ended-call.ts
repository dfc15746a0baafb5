import {
  endOfStatus,
  routeTemplate,
  subjectTemplate,
  type CallEnd,
  type EndedCall,
} from '@downbeat/breakers';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { NATS_SCHEME } from './callable-subjects';

/** A step's call as it is reported. */
export function endedCall(
  { service_name: target, method, endpoint }: CallEffect,
  result: CallResult,
  durationMs: number,
): Omit<EndedCall, 'endedAtMs'> {
  const isNats = endpoint.startsWith(NATS_SCHEME);
  const told = { target, end: endOf(result), durationMs };
  return isNats
    ? {
        ...{ protocol: 'nats', method: 'REQUEST' },
        endpoint: subjectTemplate(endpoint.slice(NATS_SCHEME.length)),
        ...told,
      }
    : { protocol: 'http', method, endpoint: routeTemplate(endpoint), ...told };
}

function endOf(result: CallResult): CallEnd {
  switch (result.kind) {
    case 'ok':
    case 'oversized':
      return 'ok';
    case 'answer':
      return endOfStatus(result.status);
    case 'refused':
    case 'broken':
    case 'timeout':
      return 'unanswered';
  }
}
