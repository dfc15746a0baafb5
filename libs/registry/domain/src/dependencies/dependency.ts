import type { DataOf, registryContract } from '@downbeat/contracts';

export type SaidDependencies = DataOf<typeof registryContract.registerService>['dependencies'];
type Declared = registryContract.DeclaredDependency;

/** One entry per dependency with nothing left out, by name: two ways to say the same are the same. */
export const declaredDependencies = (said: SaidDependencies): readonly Declared[] =>
  said
    .map((one) => (typeof one === 'string' ? { service_name: one } : one))
    .map(({ retry_policy, fallback_strategy, ...one }): Declared => ({
      service_name: one.service_name,
      required: one.required ?? true,
      dependency_type: one.dependency_type ?? 'synchronous',
      is_critical: one.is_critical ?? false,
      circuit_breaker_enabled: one.circuit_breaker_enabled ?? true,
      timeout_ms: one.timeout_ms ?? 5_000,
      ...(retry_policy && { retry_policy }),
      ...(fallback_strategy && { fallback_strategy }),
      monitoring_enabled: one.monitoring_enabled ?? true,
    }))
    .toSorted((a, b) => (a.service_name < b.service_name ? -1 : 1));

/** The names alone, in the order they were said. */
export const dependencyNames = (said: SaidDependencies): readonly string[] =>
  said.map((one) => (typeof one === 'string' ? one : one.service_name));
