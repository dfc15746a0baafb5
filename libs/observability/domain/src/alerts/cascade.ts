import type { Measured, Sample } from './sample';

/** Its failure is the failure of the one that needs it. */
export interface CriticalNeed {
  readonly source: string;
  readonly target: string;
}

const NAMED_MAX = 5;

/**
 * For each service that fails: who fails with it, over any number of critical dependencies. One that
 * fails because of another counts as well: whichever is repaired first, its own row says what it takes along.
 */
export function cascade(needs: readonly CriticalNeed[], failing: ReadonlySet<string>): Measured {
  const dependents = new Map<string, string[]>();
  for (const { source, target } of needs)
    dependents.set(target, [...(dependents.get(target) ?? []), source]);
  const samples = [...failing].map((service): Sample => {
    const reached = reachedFrom(service, dependents);
    const named = reached.slice(0, NAMED_MAX).join(', ');
    return {
      metric: 'critical_dependents',
      subject: service,
      service_name: service,
      value: reached.length,
      view: `/health/services/${service}`,
      ...(reached.length > 0 && {
        detail: reached.length > NAMED_MAX ? `${named} and others` : named,
      }),
    };
  });
  return { samples, metrics: new Set(['critical_dependents']) };
}

function reachedFrom(
  service: string,
  dependents: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const reached = new Set<string>();
  const left = [service];
  for (let next = left.pop(); next !== undefined; next = left.pop())
    for (const one of dependents.get(next) ?? [])
      if (one !== service && !reached.has(one)) {
        reached.add(one);
        left.push(one);
      }
  return [...reached].sort();
}
