import {
  delayMs,
  RETRY_POLICY,
  type FallbackWhen,
  type RetryPolicy,
  type TargetPolicy,
} from '@downbeat/resilience';
import type { ServiceDescription } from '../registration/options';

type Said = NonNullable<ServiceDescription['dependencies']>[number];
type Dependency = Exclude<Said, string>;

/** How a service that another one has declared to need is called, unless the code says more. */
export interface DeclaredCall {
  readonly policy: Partial<TargetPolicy>;
  /** When a value that is given in place of an answer stands in. */
  readonly fallbackWhen: FallbackWhen;
  /** Whether the suite is told how calls to it ended. */
  readonly isMonitored: boolean;
}

const CALL_MS_MAX = 3_600_000;

/** For a service of which nothing is declared. */
const UNDECLARED: DeclaredCall = {
  policy: {},
  fallbackWhen: 'any-failure',
  isMonitored: true,
};

/** What a service declares about its dependencies, as the policies of its calls to them. */
export class DeclaredDependencies {
  private readonly declared: ReadonlyMap<string, DeclaredCall>;

  constructor(dependencies: readonly Said[] = []) {
    const said = dependencies.filter((one): one is Dependency => typeof one !== 'string');
    this.declared = new Map(said.map((one) => [one.service_name, declaredCall(one)]));
  }

  of(service: string): DeclaredCall {
    return this.declared.get(service) ?? UNDECLARED;
  }
}

function declaredCall(dependency: Dependency): DeclaredCall {
  const { timeout_ms, circuit_breaker_enabled = true, fallback_strategy } = dependency;
  const retry = retryOf(dependency);
  return {
    policy: {
      ...(timeout_ms !== undefined && { timeoutMs: timeout_ms }),
      ...(retry !== undefined && { retry }),
      ...(!circuit_breaker_enabled && { hasBreaker: false }),
    },
    fallbackWhen: fallback_strategy === 'circuit_breaker' ? 'breaker-open' : 'any-failure',
    isMonitored: dependency.monitoring_enabled ?? true,
  };
}

/** Undefined: as for everybody. */
function retryOf({ retry_policy, fallback_strategy }: Dependency): RetryPolicy | undefined {
  if (fallback_strategy === 'fail_fast') return { ...RETRY_POLICY, attemptsMax: 1 };
  if (!retry_policy) return undefined;
  const { max_retries, initial_delay_ms: firstMs, max_delay_ms: delayMaxMs } = retry_policy;
  return {
    ...RETRY_POLICY,
    attemptsMax: max_retries + 1,
    ...(firstMs !== undefined && { backoff: { kind: 'exponential', firstMs, factor: 2 } }),
    ...(delayMaxMs !== undefined && { delayMaxMs }),
  };
}

/**
 * How long a call may take of which nothing else is said: as long as all its attempts, with the pauses between
 * them, or as one, where nothing is said of trying again. Milliseconds, an hour at most.
 */
export function callMsOf({ timeoutMs, retry }: Pick<TargetPolicy, 'timeoutMs' | 'retry'>): number {
  const attempts = retry === RETRY_POLICY ? 1 : retry.attemptsMax;
  let allMs = timeoutMs;
  for (let one = 1; one < attempts && allMs < CALL_MS_MAX; one++)
    allMs += timeoutMs + delayMs(retry.backoff, 'none', one, retry.delayMaxMs, 0);
  return Math.min(CALL_MS_MAX, allMs);
}
