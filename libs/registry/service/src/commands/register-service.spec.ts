import type { DataOf, registryContract } from '@downbeat/contracts';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf } from '@downbeat/eventsourcing';
import { serviceStream } from '@downbeat/registry-domain';
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
  const store = new MemoryEventStore(new MemoryLog(() => 0), 'registry');
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
  const register = async (data: Service) => {
    const outcome = await handler.execute(new RegisterService(data, instantOf(0), { meta }));
    return outcome.accepted ? outcome.answer['service_version'] : outcome;
  };
  const types = async () =>
    (await store.load(serviceStream('billing'))).map(({ type, data }) => {
      const { service_version } = data as { readonly service_version?: string };
      return `${type} ${service_version}`;
    });
  return { register, play, types, dependencies };
}

it('is told which version stands when it has no news', async () => {
  const { register, types } = registry();
  await register(billing('2.0.0'));
  expect(await register(billing('1.4.0'))).toBe('2.0.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0']);
});

it('describes the service again when nobody runs that version any more', async () => {
  const { register, play, types } = registry();
  await register(billing('2.0.0'));
  play.abandoned = '2.0.0';
  expect(await register(billing('1.4.0'))).toBe('1.4.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0', 'ServiceRegistered 1.4.0']);
});

it('turns nothing back that another one has said since it was looked', async () => {
  const { register, play, types } = registry();
  await register(billing('2.0.0'));
  play.abandoned = '2.0.0';
  play.meanwhile = async () => void (await register(billing('2.1.0')));
  expect(await register(billing('1.4.0'))).toBe('2.1.0');
  expect(await types()).toEqual(['ServiceRegistered 2.0.0', 'ServiceChanged 2.1.0']);
});
