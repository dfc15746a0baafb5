import type { AnswerOf, observabilityContract, registryContract } from '@downbeat/contracts';
import { circlesOf } from './circles';
import { failureImpacts } from './failure-impact';
import { layout } from './layered-layout';
import { compare, serviceGraph } from './service-graph';

type ShownMap = AnswerOf<typeof observabilityContract.getServiceMap>;
type Connection = ShownMap['connections'][number];
type Declared = AnswerOf<typeof registryContract.dependencyGraph>['dependencies'][number];
type Registered = Pick<
  AnswerOf<typeof registryContract.listServices>['services'][number],
  'service_name' | 'service_type' | 'instance_count' | 'health_status'
>;

/** Calls from one service to another, over one protocol. */
export interface ObservedCalls {
  readonly source_service: string;
  readonly target_service: string;
  readonly protocol: string;
  /** In the window. */
  readonly calls: number;
  readonly errors: number;
  readonly duration_us: number;
  readonly calls_1h: number;
  readonly errors_1h: number;
}

export interface KnownServices {
  readonly registered: readonly Registered[];
  readonly declared: readonly Declared[];
  readonly observed: readonly ObservedCalls[];
  readonly windowMinutes: number;
  readonly isRegistryHeard: boolean;
  readonly servicesOmitted: number;
}

/** With the longest names there may be, all of a map fits into one message. */
export const CONNECTIONS_MAX = 1_000;
export const SERVICES_MAX = 1_000;
const PATHS_MAX = 10;
const PATH_LENGTH_MAX = 50;

/** How certainly the source fails with the target: what is declared critical, required, or neither. */
const WEIGHTS = { critical: 1, required: 0.8, optional: 0.3, undeclared: 0.5 } as const;

/** Declared and observed together, in one picture. */
export function serviceMap(known: KnownServices): ShownMap {
  const { windowMinutes, isRegistryHeard } = known;
  const all = connectionsOf(known);
  const connections = all.slice(0, CONNECTIONS_MAX).map(withStrength(all));
  const registered = new Map(known.registered.map((one) => [one.service_name, one]));
  const names = new Set([
    ...registered.keys(),
    ...connections.flatMap(({ source_service, target_service }) => [
      source_service,
      target_service,
    ]),
  ]);
  const shown = [...names].sort(compare).slice(0, SERVICES_MAX);
  const graph = serviceGraph(
    shown,
    connections.map((one) => ({
      source: one.source_service,
      target: one.target_service,
      weight: weightOf(one),
    })),
  );
  const places = layout(graph);
  const got = receivedBy(known.observed);
  const rateOf = (service: string): number => (got.get(service)?.calls ?? 0) / windowMinutes;
  return {
    services: shown.map((service_name) => {
      const one = registered.get(service_name);
      const { calls = 0, errors = 0, duration_us = 0 } = got.get(service_name) ?? {};
      return {
        service_name,
        service_type: one?.service_type ?? 'unknown',
        instance_count: one?.instance_count ?? 0,
        health_status: one?.health_status ?? 'unknown',
        is_registered: one !== undefined,
        request_rate_per_minute: calls / windowMinutes,
        error_rate: calls === 0 ? 0 : errors / calls,
        avg_response_time_ms: calls === 0 ? 0 : duration_us / calls / 1_000,
        position: places.get(service_name) ?? { x: 0, y: 0 },
      };
    }),
    connections,
    dependency_graph: {
      critical_paths: failureImpacts(graph, rateOf, PATHS_MAX).map((one) => ({
        ...one,
        path: shortened(one.path),
      })),
      circular_dependencies: circlesOf(graph).map((circle) => [...circle]),
    },
    window_minutes: windowMinutes,
    is_registry_heard: isRegistryHeard,
    services_omitted: known.servicesOmitted + names.size - shown.length,
    connections_omitted: all.length - connections.length,
  };
}

function connectionsOf({ declared, observed, windowMinutes }: KnownServices): Connection[] {
  const calls = new Map<string, ObservedCalls[]>();
  for (const one of observed) {
    const key = `${one.source_service} ${one.target_service}`;
    const known = calls.get(key);
    if (known) known.push(one);
    else calls.set(key, [one]);
  }
  const said = new Map(declared.map((one) => [`${one.source} ${one.target}`, one]));
  return [...new Set([...calls.keys(), ...said.keys()])]
    .map((key) => connectionOf(key, said.get(key), calls.get(key) ?? [], windowMinutes))
    .sort(
      (one, other) =>
        other.request_count_1h - one.request_count_1h ||
        compare(one.source_service, other.source_service) ||
        compare(one.target_service, other.target_service),
    );
}

function connectionOf(
  key: string,
  said: Declared | undefined,
  observed: readonly ObservedCalls[],
  windowMinutes: number,
): Connection {
  const [source_service = '', target_service = ''] = key.split(' ');
  const sum = (of: (one: ObservedCalls) => number): number =>
    observed.reduce((total, one) => total + of(one), 0);
  const calls = sum((one) => one.calls);
  const calls1h = sum((one) => one.calls_1h);
  const busiest = observed.toSorted(
    (one, other) => other.calls_1h + other.calls - one.calls_1h - one.calls,
  )[0];
  const isObserved = calls + calls1h > 0;
  return {
    source_service,
    target_service,
    basis: said && isObserved ? 'both' : said ? 'declared' : 'observed',
    request_count_1h: calls1h,
    error_count_1h: sum((one) => one.errors_1h),
    request_rate_per_minute: calls / windowMinutes,
    error_rate: calls === 0 ? 0 : sum((one) => one.errors) / calls,
    avg_latency_ms: calls === 0 ? 0 : sum((one) => one.duration_us) / calls / 1_000,
    connection_strength: 1,
    protocol: busiest?.protocol ?? 'unknown',
    ...(said && {
      dependency_type: said.dependency_type,
      is_critical: said.is_critical,
      required: said.required,
    }),
  };
}

/** The end of a long chain is what fails, and whom that hits first. */
const shortened = (path: readonly string[]): string[] => path.slice(-PATH_LENGTH_MAX);

const STRENGTH_MAX = 100;

const withStrength = (all: readonly Connection[]): ((one: Connection) => Connection) => {
  const rateOf = ({ request_rate_per_minute: rate }: Connection): number => Math.log1p(rate);
  const largest = all.reduce((most, one) => Math.max(most, rateOf(one)), 0);
  return (one) => ({
    ...one,
    connection_strength:
      largest === 0 ? 1 : 1 + Math.round((STRENGTH_MAX - 1) * (rateOf(one) / largest)),
  });
};

function weightOf({ basis, is_critical, required }: Connection): number {
  if (basis === 'observed') return WEIGHTS.undeclared;
  if (is_critical) return WEIGHTS.critical;
  return required ? WEIGHTS.required : WEIGHTS.optional;
}

/** What each service was called, by whomever. */
function receivedBy(observed: readonly ObservedCalls[]) {
  const got = new Map<string, { calls: number; errors: number; duration_us: number }>();
  for (const { target_service, calls, errors, duration_us } of observed) {
    const known = got.get(target_service) ?? { calls: 0, errors: 0, duration_us: 0 };
    known.calls += calls;
    known.errors += errors;
    known.duration_us += duration_us;
    got.set(target_service, known);
  }
  return got;
}
