import { jsonBytes } from '@downbeat/contracts';
import fc from 'fast-check';
import { circlesOf, components } from './circles';
import { failureImpacts } from './failure-impact';
import { layout } from './layered-layout';
import { serviceGraph, type Dependency } from './service-graph';
import {
  CONNECTIONS_MAX,
  SERVICES_MAX,
  serviceMap,
  type KnownServices,
  type ObservedCalls,
} from './service-map';

const needs = (arrows: string, weight = 1): Dependency[] =>
  arrows
    .split(' ')
    .filter(Boolean)
    .map((arrow) => {
      const [source = '', target = ''] = arrow.split('>');
      return { source, target, weight };
    });
const graphOf = (arrows: string, weight?: number) => {
  const all = needs(arrows, weight);
  return serviceGraph(
    all.flatMap(({ source, target }) => [source, target]),
    all,
  );
};
const shop = 'edge>shop edge>admin shop>billing shop>stock admin>billing billing>ledger';

describe('where services are drawn', () => {
  it('is after those that call them', () => {
    const places = layout(graphOf(shop));
    const layers = [...places].map(([name, { x }]) => [name, x / 240]);
    expect(Object.fromEntries(layers)).toEqual({
      ...{ edge: 0, shop: 1, admin: 1, billing: 2, stock: 2, ledger: 3 },
    });
  });

  it('is one layer for a circle', () => {
    const places = layout(graphOf('a>b b>c c>b c>d'));
    expect(places.get('b')?.x).toBe(places.get('c')?.x);
    expect(places.get('d')?.x).toBe(480);
  });

  it('is never the same for two, and does not depend on the order they are named in', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 14 })), {
          maxLength: 40,
        }),
        (pairs) => {
          const all = pairs.map(([one, other]) => ({
            ...{ source: `s${one}`, target: `s${other}` },
            weight: 1,
          }));
          const names = all.flatMap(({ source, target }) => [source, target]);
          const places = layout(serviceGraph(names, all));
          const drawn = [...places.values()].map(({ x, y }) => `${x} ${y}`);
          expect(new Set(drawn).size).toBe(drawn.length);
          expect(layout(serviceGraph(names.toReversed(), all.toReversed()))).toEqual(places);
        },
      ),
    ));

  it('is found for chains of any length', () => {
    const arrows = Array.from({ length: 5_000 }, (_, n) => `s${n}>s${n + 1}`).join(' ');
    expect(components(graphOf(arrows))).toHaveLength(5_001);
  });
});

describe('circles of services', () => {
  it.each([
    ['none', shop, []],
    ['two that share a service are one', 'a>b b>a b>c c>b d>a', [['a', 'b', 'c']]],
    ['a service that calls itself', 'a>a a>b', [['a']]],
    [
      'apart',
      'd>c c>d a>b b>a',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
  ])('%s', (_, arrows, circles) => expect(circlesOf(graphOf(arrows))).toEqual(circles));
});

describe('what fails with a service', () => {
  const evenly = () => 0;

  it('is all that needs it, by way of others too', () =>
    expect(failureImpacts(graphOf(shop), evenly, 10)[0]).toEqual({
      path: ['edge', 'admin', 'billing', 'ledger'],
      failure_impact_score: 83.3,
      affected_services: 4,
    }));

  it('counts for less the looser they are connected', () =>
    expect(failureImpacts(graphOf('a>b', 0.5), evenly, 10)).toEqual([
      { path: ['a', 'b'], failure_impact_score: 75, affected_services: 1 },
    ]));

  it('counts for more the more it is called', () => {
    const graph = graphOf('busy>one quiet>other');
    const rates = (service: string): number => (service === 'busy' ? 1_023 : 0);
    expect(failureImpacts(graph, rates, 10).map(({ path }) => path)).toEqual([
      ['busy', 'one'],
      ['quiet', 'other'],
    ]);
  });

  it('is nothing where nobody needs anybody', () =>
    expect(failureImpacts(serviceGraph(['a', 'b'], []), evenly, 10)).toEqual([]));

  it('ends in circles', () =>
    expect(failureImpacts(graphOf('a>b b>a'), evenly, 10)).toHaveLength(2));
});

describe('the map of services', () => {
  const calls = (more: Partial<ObservedCalls> = {}): ObservedCalls => ({
    ...{ source_service: 'shop', target_service: 'billing', protocol: 'http' },
    ...{ calls: 60, errors: 6, duration_us: 120_000, calls_1h: 60, errors_1h: 6 },
    ...more,
  });
  const known = (more: Partial<KnownServices> = {}): KnownServices => ({
    registered: [
      {
        ...{ service_name: 'shop', service_type: 'api', instance_count: 2 },
        health_status: 'healthy',
      },
    ],
    declared: [
      {
        ...{ source: 'shop', target: 'billing', required: true, is_critical: true },
        dependency_type: 'synchronous',
      },
    ],
    observed: [calls()],
    windowMinutes: 60,
    isRegistryHeard: true,
    servicesOmitted: 0,
    ...more,
  });

  it('says what a service answers, and how', () => {
    const { services } = serviceMap(known());
    expect(services).toEqual([
      {
        ...{ service_name: 'billing', service_type: 'unknown', instance_count: 0 },
        ...{ health_status: 'unknown', is_registered: false, request_rate_per_minute: 1 },
        ...{ error_rate: 0.1, avg_response_time_ms: 2, position: { x: 240, y: 0 } },
      },
      {
        ...{ service_name: 'shop', service_type: 'api', instance_count: 2 },
        ...{ health_status: 'healthy', is_registered: true, request_rate_per_minute: 0 },
        ...{ error_rate: 0, avg_response_time_ms: 0, position: { x: 0, y: 0 } },
      },
    ]);
  });

  it('tells what is declared from what is observed', () => {
    const { connections } = serviceMap(
      known({
        declared: [...known().declared, { ...known().declared[0], target: 'stock' } as never],
        observed: [calls(), calls({ target_service: 'mail', calls: 0, calls_1h: 4, errors_1h: 0 })],
      }),
    );
    expect(connections.map((one) => [one.target_service, one.basis, one.protocol])).toEqual([
      ['billing', 'both', 'http'],
      ['mail', 'observed', 'http'],
      ['stock', 'declared', 'unknown'],
    ]);
    expect(connections[0]).toMatchObject({
      ...{ request_count_1h: 60, error_count_1h: 6, avg_latency_ms: 2, connection_strength: 100 },
      ...{ is_critical: true, dependency_type: 'synchronous' },
    });
    expect(connections.map(({ connection_strength }) => connection_strength)).toEqual([100, 1, 1]);
  });

  it('adds up the protocols of a connection', () => {
    const over = calls({ protocol: 'nats', calls_1h: 100, calls: 100 });
    const { connections } = serviceMap(known({ observed: [calls(), over] }));
    expect(connections).toMatchObject([{ protocol: 'nats', request_count_1h: 160 }]);
  });

  it('shows so many connections, and says how many there are beside them', () => {
    const observed = Array.from({ length: CONNECTIONS_MAX + 5 }, (_, number) =>
      calls({
        target_service: `t-${number % 900}`,
        source_service: `s-${Math.floor(number / 900)}`,
      }),
    );
    const { connections, connections_omitted } = serviceMap(known({ observed }));
    // That of shop and billing, which nobody calls here, is the last one.
    expect([connections.length, connections_omitted]).toEqual([CONNECTIONS_MAX, 6]);
  });

  it('fits into one message, however many services there are and however long their names', () => {
    const names = Array.from({ length: SERVICES_MAX }, (_, n) => String(n).padStart(63, 's'));
    const pairs = names.map((name, n) => [name, names[(n + 1) % names.length] ?? ''] as const);
    const far = names.map((name, n) => [name, names[(n * 7 + 3) % names.length] ?? ''] as const);
    const map = serviceMap(
      known({
        registered: names.map((service_name) => ({
          ...{ service_name, service_type: 'scheduler', instance_count: 1_000_000 },
          health_status: 'degraded',
        })),
        declared: pairs.map(([source, target]) => ({
          ...{ source, target, required: false, is_critical: true },
          dependency_type: 'asynchronous',
        })),
        observed: [...pairs, ...far].map(([source_service, target_service], n) =>
          calls({ source_service, target_service, calls: 1e6 + n, duration_us: 1e11 / 7 }),
        ),
        windowMinutes: 7,
      }),
    );
    expect(map.services).toHaveLength(SERVICES_MAX);
    expect(map.connections).toHaveLength(CONNECTIONS_MAX);
    expect(jsonBytes(map as never)).toBeLessThan(1_000_000);
  });
});
