import { contractRoutes, isCommand, takesBody, type ContractRoute } from './route-table';
import { sampleRest, sampleUrl } from '../documents/samples';
import { GatewayBench } from '../testing/gateway-bench';

const call = (bench: GatewayBench, route: ContractRoute) =>
  takesBody(route)
    ? bench.send(route.method, sampleUrl(route), sampleRest(route))
    : bench.fetch(sampleUrl(route), { method: route.method });

describe('the routes of the contracts', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  beforeEach(() => bench.forget());
  afterAll(() => bench.stop());

  it.each(
    contractRoutes.filter(isCommand).map((route) => [`${route.method} ${route.path}`, route]),
  )('%s sends its command', async (_, route) => {
    const response = await call(bench, route as ContractRoute);
    expect([response.status, await response.json()]).toEqual([202, { position: 42 }]);
    const { contract } = route as ContractRoute;
    const [sent] = bench.bus.commands;
    expect(sent?.subject).toMatch(
      new RegExp(`^command\\.${contract.context}\\.${contract.name}\\.`),
    );
    expect(sent?.body).toMatchObject(
      contract.kind === 'command' ? (contract.example as object) : {},
    );
  });

  it.each(
    contractRoutes
      .filter((one) => !isCommand(one))
      .map((route) => [`${route.method} ${route.path}`, route]),
  )('%s asks its query', async (_, route) => {
    const response = await call(bench, route as ContractRoute);
    expect([response.status, await response.json()]).toEqual([200, {}]);
    const { contract } = route as ContractRoute;
    expect(bench.bus.queries.map(({ subject }) => subject)).toEqual([
      `query.${contract.context}.${contract.name}`,
    ]);
  });

  it('answers HEAD as GET without the body', async () => {
    const response = await bench.fetch('/api/orchestration/services', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('X-Read-Position')).toBe('42');
  });

  it('says to OPTIONS what a path knows, and asks nobody', async () => {
    const response = await bench.fetch('/api/orchestration/services', { method: 'OPTIONS' });
    expect([response.status, response.headers.get('Allow')]).toEqual([
      204,
      'GET, POST, HEAD, OPTIONS',
    ]);
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('refuses a method the path does not know', async () => {
    const response = await bench.fetch('/api/orchestration/services', { method: 'DELETE' });
    expect(response.headers.get('Allow')).toBe('GET, POST, HEAD, OPTIONS');
    expect(await response.json()).toMatchObject({ status: 405, code: 'method-not-allowed' });
  });

  it.each(['/', '/api/orchestration/nothing', '/api/orchestration/services/a/b/c/d'])(
    'knows nothing at %s',
    async (path) => {
      const response = await bench.fetch(path);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({
        type: '/problems/unknown-route',
        status: 404,
        instance: path,
      });
    },
  );

  it('adds its headers to every answer, and does not say what it is made with', async () => {
    const { headers } = await bench.fetch('/nothing');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(headers.get('X-Powered-By')).toBeNull();
  });
});
