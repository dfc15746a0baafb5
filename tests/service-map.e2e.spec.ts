import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import { DownbeatService, operation } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { book, ended } from './support/bookings';
import { Suite } from './support/suite';

jest.setTimeout(240_000);

type ServiceMap = AnswerOf<typeof observabilityContract.getServiceMap>;
type Series = AnswerOf<typeof observabilityContract.getCalls>;

const WAIT_MS = 90_000;
const open = operation('open', { input: z.object({}), output: z.object({}) });

describe('the map of services, of a suite with the demo on it', () => {
  let suite: Suite;
  const services: DownbeatService[] = [];

  beforeAll(async () => {
    suite = await Suite.start({ demo: true });
    await ended(suite, await book(suite, 'seen', 3));
    await callOneAnother();
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await suite?.stop();
  });

  const start = async (service_name: string, dependencies: string[] = []) => {
    const service = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name, service_version: '1.0.0', dependencies },
      heartbeatMs: 500,
      // On a busy machine three of them may be late, and who is given up begins anew.
      instance: { heartbeat_ttl_ms: 60_000 },
    });
    service.handle(open, () => ({}));
    services.push(service);
    await service.start();
    await service.registered;
    return service;
  };

  async function callOneAnother(): Promise<void> {
    await start('safe');
    const till = await start('till', ['safe']);
    await eventually(
      () => till.directory.serviceOf('safe')?.targets.length,
      (count) => expect(count).toBe(1),
      WAIT_MS,
    );
    for (let time = 0; time < 3; time++) await till.call('safe', open, {}, { timeoutMs: 30_000 });
  }

  it('shows who calls whom: services, and the saga', async () => {
    const map = await eventually(
      () => suite.get<ServiceMap>('/observability/service-map'),
      ({ connections }) => {
        const of = (source: string, target: string) =>
          connections.find((one) => one.source_service === source && one.target_service === target);
        expect(of('till', 'safe')).toMatchObject({
          ...{ basis: 'both', protocol: 'http', request_count_1h: 3, error_count_1h: 0 },
        });
        expect(of('downbeat-saga', 'venue')?.request_count_1h).toBeGreaterThanOrEqual(3);
      },
      WAIT_MS,
    );
    expect(map.is_registry_heard).toBe(true);
    expect(map.services.find(({ service_name }) => service_name === 'safe')).toMatchObject({
      ...{ service_type: 'api', instance_count: 1, is_registered: true, error_rate: 0 },
    });
  });

  it('shows which operations are called, without ids', async () => {
    const { endpoints, total } = await suite.get<Series>(
      '/observability/calls?source_service=till&window_minutes=60',
    );
    expect(endpoints).toMatchObject([{ method: 'POST', endpoint: '/operations/open', calls: 3 }]);
    expect(total).toMatchObject({ calls: 3, errors: 0 });
    expect(total.p99_ms).toBeGreaterThan(0);
    await eventually(
      () => suite.get<Series>('/observability/calls?source_service=downbeat-saga'),
      (steps) => expect(steps.endpoints.length).toBeGreaterThan(2),
      WAIT_MS,
    );
  });
});
