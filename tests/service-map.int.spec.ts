import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { ObservabilityModule } from '@downbeat/observability-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';

type ServiceMap = AnswerOf<typeof observabilityContract.getServiceMap>;

const MINUTE_MS = 60_000;

describe('the map of services, with the registry', () => {
  let bench: TestBench;
  let declaredAt = 0;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: ObservabilityModule },
      ],
    });
    await register('ledger');
    await register('billing', [{ service_name: 'ledger', required: true, is_critical: true }]);
    declaredAt = await register('shop', ['billing', { service_name: 'mail', required: false }]);
    await register('mail', [{ service_name: 'shop', required: false }]);
    await called('shop', 'billing');
    await called('billing', 'stranger');
  });
  afterAll(() => bench.stop());

  const register = (service: string, dependencies: readonly unknown[] = []): Promise<number> =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies,
    } as JsonObject);
  const called = (source_service: string, target_service: string): Promise<number> =>
    bench.accepted(`command.observability.RecordCalls.${source_service}-${target_service}`, {
      calls: [
        {
          ...{ source_service, target_service, protocol: 'http', method: 'GET', endpoint: '/' },
          minute: new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS).toISOString(),
          ...{ ok: 4, client_errors: 0, server_errors: 0, unanswered: 0 },
          ...{ duration_us: 8_000, durations: { '43': 4 } },
        },
      ],
    });
  const map = (as?: JsonObject): Promise<ServiceMap> =>
    bench.answer<ServiceMap>('query.observability.service-map', {}, as);
  const connectionsOf = ({ connections }: ServiceMap): readonly string[] =>
    connections.map((one) => `${one.source_service}>${one.target_service} ${one.basis}`).sort();

  it('has what is declared, what is observed, and what is both', async () => {
    const found = await map();
    expect(found.is_registry_heard).toBe(true);
    expect(connectionsOf(found)).toEqual([
      'billing>ledger declared',
      'billing>stranger observed',
      'mail>shop declared',
      'shop>billing both',
      'shop>mail declared',
    ]);
    expect(found.services.map((one) => [one.service_name, one.service_type])).toEqual([
      ...[
        ['billing', 'api'],
        ['ledger', 'api'],
        ['mail', 'api'],
        ['shop', 'api'],
      ],
      ['stranger', 'unknown'],
    ]);
  });

  it('says what fails with what, and what goes in a circle', async () => {
    const { dependency_graph } = await map();
    expect(dependency_graph.circular_dependencies).toEqual([['mail', 'shop']]);
    const [worst] = dependency_graph.critical_paths;
    expect(worst?.path).toEqual(['mail', 'shop', 'billing', 'ledger']);
    expect(worst?.failure_impact_score).toBeGreaterThan(50);
  });

  it('is shown as it was: who was registered, too', async () => {
    const then = await map({ at: declaredAt });
    expect(connectionsOf(then)).toEqual([
      ...['billing>ledger declared', 'shop>billing declared', 'shop>mail declared'],
    ]);
    expect(then.dependency_graph.circular_dependencies).toEqual([]);
  });
});
