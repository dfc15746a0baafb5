import type { AnswerOf, healthContract } from '@downbeat/contracts';
import type { Measured } from '@downbeat/observability-domain';

type Breaker = AnswerOf<typeof healthContract.listCircuitBreakers>['circuit_breakers'][number];

type Named = Pick<Breaker, 'service_name' | 'target_service' | 'endpoint_pattern'>;

/** One that was not seen for so long is taken for closed. */
const UNSEEN_KEPT_MS = 60_000;

interface NotClosed {
  readonly breaker: Named;
  readonly sinceMs: number;
  readonly seenAtMs: number;
  /** It was in neither list at the last look, and it may have gone from one to the other in between. */
  readonly isMissed?: true;
}

/** Since when each breaker is not closed: one that is tried and opens again was open all the time. */
export type OpenSince = ReadonlyMap<string, NotClosed>;

export function openSince(
  before: OpenSince,
  breakers: readonly (Named & Pick<Breaker, 'id' | 'state_changed_at'>)[],
  nowMs: number,
  isCut = false,
): OpenSince {
  const unseen = [...before]
    .filter(([, { seenAtMs, isMissed }]) => {
      const isRecent = nowMs - seenAtMs <= UNSEEN_KEPT_MS;
      return isRecent && (isCut || !isMissed);
    })
    .map(([id, one]) => [id, isCut ? one : { ...one, isMissed: true as const }] as const);
  const seen = breakers.map((breaker) => {
    const { id, state_changed_at } = breaker;
    const sinceMs = before.get(id)?.sinceMs ?? Date.parse(state_changed_at);
    return [id, { breaker, sinceMs, seenAtMs: nowMs }] as const;
  });
  return new Map<string, NotClosed>([...unseen, ...seen]);
}

/** Those that may be closed, or not. */
export const missedIn = (since: OpenSince): readonly Named[] =>
  [...since.values()].filter(({ isMissed }) => isMissed).map(({ breaker }) => breaker);

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

export const breakerName = ({ service_name, target_service, endpoint_pattern }: Named): string =>
  [
    service_name,
    '->',
    target_service,
    ...(endpoint_pattern === '*' ? [] : [endpoint_pattern]),
  ].join(' ');
