import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { endedCall } from './ended-call';

const effect = (endpoint: string): CallEffect =>
  ({ service_name: 'venue', method: 'POST', endpoint }) as CallEffect;

describe('a call of a step, as it is reported', () => {
  it.each([
    ['/holds/4711?now=1', { protocol: 'http', method: 'POST', endpoint: '/holds/{id}' }],
    ['nats:venue.hold', { protocol: 'nats', method: 'REQUEST', endpoint: 'venue.hold' }],
  ])('to %s', (endpoint, told) =>
    expect(endedCall(effect(endpoint), { kind: 'ok', output: null }, 3)).toEqual({
      ...{ target: 'venue', end: 'ok', durationMs: 3 },
      ...told,
    }),
  );

  it.each<[CallResult, string]>([
    [{ kind: 'answer', status: 409, message: '' }, 'client_errors'],
    [{ kind: 'answer', status: 502, message: '' }, 'server_errors'],
    [{ kind: 'timeout', message: '' }, 'unanswered'],
    [{ kind: 'broken', message: '' }, 'unanswered'],
    [{ kind: 'refused', message: '' }, 'unanswered'],
    [{ kind: 'oversized', message: '' }, 'ok'],
  ])('%j', (result, end) => expect(endedCall(effect('/'), result, 1).end).toBe(end));
});
