import type { AnswerOf, DataOf, healthContract } from '@downbeat/contracts';
import type { Need } from './service-needs';

type SystemStatus = AnswerOf<typeof healthContract.systemHealth>['status'];
export type InheritedFailure = NonNullable<
  DataOf<typeof healthContract.instanceHealthChanged>['inherited']
>;
type ComponentStatus = AnswerOf<typeof healthContract.serviceHealth>['status'];

/** How many instances of a service stand how; those that are going away are not counted. */
export interface InstanceCounts {
  readonly healthy: number;
  readonly unhealthy: number;
  readonly starting: number;
}

/** What health knows: every service that has had an instance, and what services need. */
export interface KnownSystem {
  readonly checked: ReadonlyMap<string, InstanceCounts>;
  readonly needs: ReadonlyMap<string, readonly Need[]>;
}

export interface ServiceHealth extends InstanceCounts {
  readonly service_name: string;
  readonly status: ComponentStatus;
  /** Another service needs it and fails with it. */
  readonly isCritical: boolean;
  /** From the service to where the failure began, when that is another one. */
  readonly inheritedPath?: readonly string[];
}

export interface SystemHealth {
  /**
   * `critical` when a critical service has no healthy instance. Else `degraded` when any service has an unhealthy one, or none left.
   */
  readonly status: SystemStatus;
  /** The worst first, then by name. */
  readonly services: readonly ServiceHealth[];
}

const NONE: InstanceCounts = { healthy: 0, unhealthy: 0, starting: 0 };

/** The failure of what it fails with is a service's own, as far as callers can see. */
const failsWith = (need: Need): boolean => need.required && need.is_critical;

/** Without what it requires a service cannot work: that explains a failure of all its instances. */
const isExplainedBy = (need: Need, counts: InstanceCounts | undefined): boolean =>
  need.required && isDown(counts) && counts.unhealthy > 0;

export function systemHealth({ checked, needs }: KnownSystem): SystemHealth {
  const critical = new Set(
    [...needs.values()].flatMap((all) => all.filter(failsWith).map((need) => need.service_name)),
  );
  const names = new Set([...checked.keys(), ...needs.keys(), ...critical]);
  const pathOf = inheritedPaths({
    countsOf: (name) => checked.get(name),
    needsOf: (name) => needs.get(name) ?? [],
  });
  const services = [...names].map((service_name): ServiceHealth => {
    const counts = checked.get(service_name);
    const inheritedPath = pathOf(service_name);
    return {
      service_name,
      ...(counts ?? NONE),
      status: statusOf(counts),
      isCritical: critical.has(service_name),
      ...(inheritedPath && { inheritedPath }),
    };
  });
  return { status: statusOfAll(services), services: services.sort(byConcern) };
}

/** @param counts Undefined: it never had an instance. */
function statusOf(counts: InstanceCounts | undefined): ComponentStatus {
  if (!counts) return 'unchecked';
  const { healthy, unhealthy, starting } = counts;
  if (healthy > 0) return unhealthy > 0 ? 'degraded' : 'healthy';
  return unhealthy === 0 && starting > 0 ? 'starting' : 'unhealthy';
}

const isDown = (counts: InstanceCounts | undefined): counts is InstanceCounts =>
  counts?.healthy === 0;

function statusOfAll(services: readonly ServiceHealth[]): SystemStatus {
  if (services.some((one) => one.isCritical && isDown(one) && one.status !== 'unchecked'))
    return 'critical';
  const isDegraded = services.some(({ status }) => status === 'degraded' || status === 'unhealthy');
  return isDegraded ? 'degraded' : 'healthy';
}

/**
 * The shortest way from each service to where its failure began: a service without a healthy
 * instance that itself fails with nobody. What is required never leads back to where it began (the
 * registry refuses that); while news of it is under way it may look so, and is cut there.
 */
export function inheritedPaths({
  countsOf,
  needsOf,
}: {
  readonly countsOf: (service: string) => InstanceCounts | undefined;
  readonly needsOf: (service: string) => readonly Need[];
}): (service: string) => readonly string[] | undefined {
  const found = new Map<string, readonly string[] | undefined>();
  const pathOf = (service: string): readonly string[] | undefined => {
    if (found.has(service)) return found.get(service);
    found.set(service, undefined);
    let shortest: readonly string[] | undefined;
    const counts = countsOf(service);
    const isToBlame = (need: Need): boolean => failsWith(need) || isExplainedBy(need, counts);
    for (const { service_name: needed } of needsOf(service).filter(isToBlame)) {
      const beyond = pathOf(needed) ?? (isDown(countsOf(needed)) ? [needed] : undefined);
      if (!beyond || beyond.includes(service)) continue;
      if (!shortest || beyond.length + 1 < shortest.length) shortest = [service, ...beyond];
    }
    found.set(service, shortest);
    return shortest;
  };
  return pathOf;
}

const CONCERN: readonly ComponentStatus[] = [
  'unhealthy',
  'degraded',
  'starting',
  'unchecked',
  'healthy',
];

/** Origins before those who inherit, critical ones before others. */
function byConcern(a: ServiceHealth, b: ServiceHealth): number {
  const rank = ({ status, inheritedPath }: ServiceHealth): number => {
    const concern = CONCERN.indexOf(status);
    return inheritedPath ? Math.min(concern, 1) + 0.5 : concern;
  };
  return (
    rank(a) - rank(b) ||
    Number(b.isCritical) - Number(a.isCritical) ||
    (a.service_name < b.service_name ? -1 : 1)
  );
}

export const isSameFailure = (
  one: InheritedFailure | undefined,
  other: InheritedFailure | undefined,
): boolean => one?.path.join(' ') === other?.path.join(' ');
