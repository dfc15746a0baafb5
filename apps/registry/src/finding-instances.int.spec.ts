import type { AnswerOf, healthContract, registryContract } from '@downbeat/contracts';
import type { DirectoryFollower } from '@downbeat/discovery';
import type { JsonObject } from '@downbeat/eventsourcing';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { eventually, TestBench } from '@downbeat/test-bench';
import { followerOf } from './testing/follower';
import { Instance } from './testing/instance';

type Found = AnswerOf<typeof registryContract.findInstances>;
type Offer = AnswerOf<typeof registryContract.explainInstance>;

describe('whoever looks for somebody to call', () => {
  let bench: TestBench;
  let follower: DirectoryFollower;
  let server: Instance;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
    });
    follower = await followerOf(bench);
    server = await Instance.start();
  });
  afterAll(async () => {
    await follower?.stop();
    await server?.stop();
    await bench?.stop();
  });

  const register = (service: string, more: JsonObject = {}) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '2.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      ...more,
    });
  const start = (service_id: string, id: string, version = '2.0.0') =>
    bench.accepted(`command.registry.RegisterInstance.${id}`, {
      ...{ service_id, node_name: 'here', ip_address: '127.0.0.1', port: server.port, version },
    });
  const ask = (input: JsonObject) => bench.answer<Found>('query.registry.find-instances', input);
  const found = async (input: JsonObject) =>
    (await ask(input)).instances.map(({ instance_id }) => instance_id);
  const become = (input: JsonObject, ...ids: string[]) =>
    eventually(
      () => found(input),
      (seen) => expect(seen).toEqual(ids),
      30_000,
    );
  const offerOf = (service_id: string, instance_id: string, more: JsonObject) =>
    bench.answer<Offer>('query.registry.explain-instance', { service_id, instance_id, ...more });

  it('finds a capability in the version of each instance, while another one is rolled out', async () => {
    await register('rolling', { capabilities: ['rolls'] });
    await start('rolling', 'rolling-1', '1.4.0');
    await start('rolling', 'rolling-2', '2.0.0');
    await become({ service_name: 'rolling' }, 'rolling-1', 'rolling-2');
    const capability = 'rolls';
    expect(await found({ capability })).toEqual(['rolling-1', 'rolling-2']);
    expect(await found({ capability, version: '^1' })).toEqual(['rolling-1']);
    expect(await found({ capability, version: '^2' })).toEqual(['rolling-2']);
    expect(await found({ capability, version: '^3' })).toEqual([]);
    const newer = { capability, version: '^2' };
    expect(await offerOf('rolling', 'rolling-1', newer)).toMatchObject({
      is_offered: false,
      reasons: [
        {
          code: 'lacks-the-capability',
          message: 'it has the capability rolls in version 1.4.0, not in a version of ^2',
        },
      ],
    });
    expect(await offerOf('rolling', 'rolling-2', newer)).toMatchObject({ is_offered: true });
    const known = (range: string) =>
      follower.snapshot
        .withCapability('rolls', range)
        .flatMap(({ targets }) => targets.map(({ instance_id }) => instance_id));
    await eventually(
      async () => [known('^1'), known('^2')],
      (seen) => expect(seen).toEqual([['rolling-1'], ['rolling-2']]),
    );
  });

  it('finds the address of a service that has no instances, until it has one', async () => {
    await register('plain', { base_url: 'http://plain.example/', capabilities: ['plainly'] });
    const [own] = (await ask({ capability: 'plainly', version: '^2' })).instances;
    expect(own).toEqual({
      service_name: 'plain',
      instance_id: 'service:plain',
      version: '2.0.0',
      url: 'http://plain.example',
      environment: 'production',
    });
    expect(await found({ capability: 'plainly', version: '^1' })).toEqual([]);
    await start('plain', 'plain-1');
    await become({ service_name: 'plain' }, 'plain-1');
  });

  it('knows who takes no new calls and why, so that a check that is wrong takes out nobody', async () => {
    const health_check = { interval_ms: 100, failure_threshold: 1, success_threshold: 1 };
    await register('roll', { health_check });
    for (const id of ['roll-1', 'roll-2']) await start('roll', id);
    await become({ service_name: 'roll' }, 'roll-1', 'roll-2');
    const stopping = { service_id: 'roll', lifecycle: 'stopping' };
    await bench.accepted('command.registry.AnnounceLifecycle.roll-2', stopping);
    const known = () =>
      follower.snapshot
        .serviceOf('roll')
        ?.unoffered?.map(({ instance_id, state }) => [instance_id, state]);
    await eventually(
      async () => known(),
      (seen) => expect(seen).toEqual([['roll-2', 'draining']]),
    );
    server.statuses['/mistyped'] = 404;
    await bench.accepted('command.registry.UpdateService.roll', {
      health_check_endpoint: '/mistyped',
    });
    await eventually(
      async () => known(),
      (seen) => expect(seen).toEqual([['roll-1', 'unhealthy']]),
    );
    expect(follower.snapshot.serviceOf('roll')?.targets).toEqual([]);
    await become({ service_name: 'roll' });
  });

  it('is told what stands between a caller and an instance', async () => {
    await register('lender', { capabilities: ['lending'] });
    await start('lender', 'lender-1');
    await become({ service_name: 'lender' }, 'lender-1');
    const need = { service_name: 'lender', required: false, timeout_ms: 250 };
    await register('clerk', { dependencies: [need] });
    await register('trainee', { deployment_environment: 'staging' });
    const offer = (caller: string, capability?: string) =>
      offerOf('lender', 'lender-1', { caller, ...(capability && { capability }) });
    expect(await offer('clerk', 'lending')).toMatchObject({
      is_offered: true,
      caller: { service_name: 'clerk', environment: 'production', dependency: need },
    });
    expect(await offer('trainee', 'lending')).toMatchObject({
      is_offered: false,
      reasons: [
        {
          code: 'in-another-environment',
          message: 'it is in production, and trainee looks for capabilities in staging',
        },
      ],
    });
    const byName = await offer('trainee');
    expect(byName.is_offered).toBe(true);
    expect(byName.caller).toEqual({ service_name: 'trainee', environment: 'staging' });
    const nobody = { service_id: 'lender', instance_id: 'lender-1', caller: 'nobody' };
    expect(await bench.query('query.registry.explain-instance', nobody)).toMatchObject({
      ok: false,
      problem: { code: 'service-unknown' },
    });
  });

  it('is told where the breakers between a caller and an instance are, open ones too', async () => {
    await register('payee');
    await register('payer');
    await start('payee', 'payee-1');
    await become({ service_name: 'payee' }, 'payee-1');
    await bench.accepted('command.health.ReportBreakers.payer:1', {
      report_no: 1,
      breakers: [
        {
          ...{ service_name: 'payer', target_service: 'payee', state: 'open', failure_count: 5 },
          ...{ failure_threshold: 5, success_threshold: 3, timeout_duration: 60 },
        },
      ],
    });
    const offer = (more: JsonObject) => offerOf('payee', 'payee-1', more);
    const { is_offered, breakers } = await offer({ caller: 'payer' });
    expect(is_offered).toBe(true);
    expect(breakers).toEqual({
      query: 'query.health.list-circuit-breakers',
      input: { service_name: 'payer', target_service: 'payee' },
      path: '/circuit-breakers?service_name=payer&target_service=payee',
    });
    type Breakers = AnswerOf<typeof healthContract.listCircuitBreakers>;
    const { circuit_breakers } = await bench.answer<Breakers>(breakers.query, breakers.input);
    expect(circuit_breakers).toMatchObject([{ service_name: 'payer', current_state: 'open' }]);
    expect((await offer({})).breakers.path).toBe('/circuit-breakers?target_service=payee');
    expect((await offer({ capability: 'pays', version: '^1' })).breakers).toMatchObject({
      input: { target_service: 'capability:pays@^1' },
      path: '/circuit-breakers?target_service=capability%3Apays%40%5E1',
    });
  });

  it('does not find the address of a service that was retired', async () => {
    await register('gone', { base_url: 'http://gone.example', capabilities: ['going'] });
    expect(await found({ capability: 'going' })).toEqual(['service:gone']);
    await bench.accepted('command.registry.RetireService.gone', {});
    await become({ capability: 'going' });
    await become({ service_name: 'gone' });
  });

  it('finds those of one environment, or of all', async () => {
    for (const environment of ['staging', 'production'])
      await register(`charging-${environment}`, {
        ...{ deployment_environment: environment, capabilities: ['charging'] },
        base_url: `http://${environment}.example`,
      });
    const capability = 'charging';
    expect(await found({ capability })).toHaveLength(2);
    for (const environment of ['staging', 'production'])
      expect((await ask({ capability, environment })).instances).toMatchObject([
        { service_name: `charging-${environment}`, environment },
      ]);
    const known = (environment?: 'staging') =>
      follower.snapshot
        .withCapability(capability, undefined, environment)
        .map(({ service_name }) => service_name);
    await eventually(
      async () => [known(), known('staging')],
      (seen) =>
        expect(seen).toEqual([
          expect.arrayContaining(['charging-staging', 'charging-production']),
          ['charging-staging'],
        ]),
    );
    const elsewhere = { service_name: 'charging-staging', environment: 'production' };
    expect(await ask(elsewhere)).toMatchObject({ instances: [], total_count: 0 });
  });

  it('is told how many there are, and gets them page by page', async () => {
    const services = ['pages-b', 'pages', 'pages-a'];
    for (const service of services)
      await register(service, { base_url: 'http://x.example', capabilities: ['paging'] });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask({ capability: 'paging', limit: 2, ...(cursor && { cursor }) });
      expect(page.total_count).toBe(3);
      seen.push(...page.instances.map(({ service_name }) => service_name));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['pages', 'pages-a', 'pages-b']);
  });
});
