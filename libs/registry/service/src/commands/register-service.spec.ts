import type { DataOf, registryContract } from '@downbeat/contracts';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { fold, instantOf } from '@downbeat/eventsourcing';
import {
  dependencyGraph,
  dependencyStream,
  serviceStream,
  type DependenciesDeclared,
} from '@downbeat/registry-domain';
import { DeclaredDependencies } from '../dependencies/declared-dependencies';
import type { AbandonedVersions } from './abandoned-versions';
import { RegisterService, RegisterServiceHandler } from './register-service';

type Service = DataOf<typeof registryContract.registerService>;

const meta = { correlation_id: 'c1', causation_id: 'c1', actor: 'test' };
const billing = (service_version: string, ...dependencies: string[]): Service => ({
  ...{ service_name: 'billing', service_type: 'api', deployment_environment: 'production' },
  ...{ service_version, dependencies },
});

function registry() {
  const log = new MemoryLog(() => 0);
  const store = new MemoryEventStore(log, 'registry');
  const dependencies = new DeclaredDependencies(store);
  /** What is found of the version that describes the service, and what happens while it is looked for. */
  const play = { abandoned: undefined as string | undefined, meanwhile: () => Promise.resolve() };
  const abandoned = {
    of: async () => {
      const found = play.abandoned;
      await play.meanwhile();
      return found;
    },
  };
  const handler = new RegisterServiceHandler(
    store,
    dependencies,
    abandoned as unknown as AbandonedVersions,
  );
  const register = async (data: Service, commandId?: string) => {
    const cause = { meta, ...(commandId !== undefined && { commandId }) };
    const outcome = await handler.execute(new RegisterService(data, instantOf(0), cause));
    return outcome.accepted ? outcome.answer['service_version'] : outcome;
  };
  const types = async () =>
    (await store.load(serviceStream('billing'))).map(({ type, data }) => {
      const { service_version } = data as { readonly service_version?: string };
      return `${type} ${service_version}`;
    });
  /** What it needs, as the graph says. */
  const needed = async () => {
    const graph = fold(
      dependencyGraph,
      await store.load<DependenciesDeclared>(dependencyStream),
    ).get('billing');
    return (graph ?? []).map(({ service_name }) => service_name);
  };
  return { register, play, types, needed, log };
}

it('is told which version stands when it has no news', async () => {
  const { register, types, needed } = registry();
  await register(billing('2.0.0', 'treasury'));
  expect(await register(billing('1.4.0', 'ledger'))).toBe('2.0.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0']);
  expect(await needed()).toEqual(['treasury']);
});

it('describes the service again when nobody runs that version any more', async () => {
  const { register, play, types, needed } = registry();
  await register(billing('2.0.0', 'treasury'));
  play.abandoned = '2.0.0';
  expect(await register(billing('1.4.0', 'ledger'))).toBe('1.4.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0', 'ServiceRegistered 1.4.0']);
  expect(await needed()).toEqual(['ledger']);
});

it('turns nothing back that another one has said since it was looked', async () => {
  const { register, play, types, needed } = registry();
  await register(billing('2.0.0', 'treasury'));
  play.abandoned = '2.0.0';
  play.meanwhile = async () => void (await register(billing('2.1.0', 'mint')));
  expect(await register(billing('1.4.0', 'ledger'))).toBe('2.1.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0', 'ServiceChanged 2.1.0']);
  expect(await needed()).toEqual(['mint']);
});

it('says what it is and what it needs by one commit: a crash leaves both or none', async () => {
  const { register, play, log } = registry();
  await register(billing('2.0.0', 'treasury'));
  play.abandoned = '2.0.0';
  await register(billing('1.4.0', 'ledger'));
  expect(log.events.map(({ commit_no, type }) => [commit_no, type])).toEqual([
    ...[
      [1, 'ServiceRegistered'],
      [1, 'DependenciesDeclared'],
    ],
    ...[
      [2, 'ServiceRegistered'],
      [2, 'DependenciesDeclared'],
    ],
  ]);
});

it('neither is what it says nor needs anything else when that closes a circle', async () => {
  const { register, types, needed } = registry();
  await register(billing('1.4.0', 'ledger'));
  expect(await register(billing('1.5.0', 'billing'))).toMatchObject({
    accepted: false,
    problem: { code: 'depends-on-itself' },
  });
  expect(await types()).toEqual(['ServiceRegistered 1.4.0']);
  expect(await needed()).toEqual(['ledger']);
});

it('takes what it needs with one command once, however often that is delivered', async () => {
  const { register, types, needed } = registry();
  await register(billing('1.4.0', 'ledger'), 'c-1');
  await register(billing('1.5.0', 'mint'), 'c-2');
  expect(await register(billing('1.4.0', 'ledger'), 'c-1')).toBe('1.4.0');
  expect(await types()).toEqual(['ServiceRegistered 1.4.0', 'ServiceChanged 1.5.0']);
  expect(await needed()).toEqual(['mint']);
});

it('lets many that begin at once all say what they need', async () => {
  const { register, log } = registry();
  const names = Array.from({ length: 20 }, (_, n) => `service-${n}`);
  await Promise.all(
    names.map((service_name) => register({ ...billing('1.4.0', 'ledger'), service_name })),
  );
  expect(log.events.filter(({ type }) => type === 'DependenciesDeclared')).toHaveLength(20);
});
