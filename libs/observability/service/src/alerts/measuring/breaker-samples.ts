import type { AnswerOf, healthContract } from '@downbeat/contracts';
import type { Measured } from '@downbeat/observability-domain';

type Breaker = AnswerOf<typeof healthContract.listCircuitBreakers>['circuit_breakers'][number];

/** One that a page has no room for for so long is taken for closed. */
const UNSEEN_KEPT_MS = 60_000;

/** Since when each breaker is not closed: one that is tried and opens again was open all the time. */
export type OpenSince = ReadonlyMap<
  string,
  { readonly sinceMs: number; readonly seenAtMs: number }
>;

export function openSince(
  before: OpenSince,
  breakers: readonly Pick<Breaker, 'id' | 'state_changed_at'>[],
  nowMs: number,
  isCut = false,
): OpenSince {
  const unseen = [...before].filter(
    ([, { seenAtMs }]) => isCut && nowMs - seenAtMs <= UNSEEN_KEPT_MS,
  );
  const seen = breakers.map(({ id, state_changed_at }) => {
    const sinceMs = before.get(id)?.sinceMs ?? Date.parse(state_changed_at);
    return [id, { sinceMs, seenAtMs: nowMs }] as const;
  });
  return new Map([...unseen, ...seen]);
}

export function breakerSamples(
  breakers: readonly Breaker[],
  since: OpenSince,
  nowMs: number,
): Measured {
  return {
    metrics: new Set(['breaker_open_seconds']),
    samples: breakers.map((one) => ({
      metric: 'breaker_open_seconds',
      subject: breakerName(one),
      service_name: one.target_service,
      value: Math.max(0, (nowMs - (since.get(one.id)?.sinceMs ?? nowMs)) / 1_000),
      view: `/circuit-breakers/${one.id}`,
      detail: `${one.failure_count} failures`,
    })),
  };
}

export const breakerName = ({ service_name, target_service, endpoint_pattern }: Breaker): string =>
  [
    service_name,
    '->',
    target_service,
    ...(endpoint_pattern === '*' ? [] : [endpoint_pattern]),
  ].join(' ');
