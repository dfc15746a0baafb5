import type { AnswerOf, healthContract } from '@downbeat/contracts';
import { failsWith, InheritedPaths } from './inherited-paths';
import { isDown, type InstanceCounts } from './instance-counts';
import type { Need } from './service-needs';

type SystemStatus = AnswerOf<typeof healthContract.systemHealth>['status'];
type ComponentStatus = AnswerOf<typeof healthContract.serviceHealth>['status'];

/** What health knows: every service that has had an instance, and what services need. */
export interface KnownSystem {
  readonly checked: ReadonlyMap<string, InstanceCounts>;
  readonly needs: ReadonlyMap<string, readonly Need[]>;
  /** Services of which no instance was lost since the last one was registered. */
  readonly left?: ReadonlySet<string>;
}

export interface ServiceHealth extends InstanceCounts {
  readonly service_name: string;
  readonly status: ComponentStatus;
  /** Another service needs it and fails with it. */
  readonly isCritical: boolean;
  /** From the service to where the failure began, when that is another one. */
  readonly inheritedPath?: readonly string[];
  /** It has no instance, and that is as it shall be, as far as they said. */
  readonly isScaledToZero?: true;
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

/** As the registry tells when it has given an instance up; with other reasons it went by itself. */
const LOST: ReadonlySet<string> = new Set(['heartbeat-expired', 'session-closed', 'never-healthy']);

export const leavesByItself = (reason: string): boolean => !LOST.has(reason);

export function systemHealth({ checked, needs, left }: KnownSystem): SystemHealth {
  const critical = new Set(
    [...needs.values()].flatMap((all) => all.filter(failsWith).map((need) => need.service_name)),
  );
  const names = new Set([...checked.keys(), ...needs.keys(), ...critical]);
  const paths = new InheritedPaths({
    countsOf: (name) => checked.get(name),
    needsOf: (name) => needs.get(name) ?? [],
  });
  const services = [...names].map((service_name): ServiceHealth => {
    const counts = checked.get(service_name);
    const inheritedPath = paths.of(service_name);
    return {
      service_name,
      ...(counts ?? NONE),
      status: statusOf(counts),
      isCritical: critical.has(service_name),
      ...(inheritedPath && { inheritedPath }),
      ...(counts && isNone(counts) && left?.has(service_name) && { isScaledToZero: true }),
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

const isNone = ({ healthy, unhealthy, starting }: InstanceCounts): boolean =>
  healthy + unhealthy + starting === 0;

function statusOfAll(services: readonly ServiceHealth[]): SystemStatus {
  if (services.some((one) => one.isCritical && isDown(one) && one.status !== 'unchecked'))
    return 'critical';
  const isDegraded = services.some(({ status }) => status === 'degraded' || status === 'unhealthy');
  return isDegraded ? 'degraded' : 'healthy';
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
