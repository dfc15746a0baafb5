import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from '../registry.module';
import { registryCalls } from '../testing/registry-calls';

const UNUSABLE_MS = 10_000;

describe('a registry that gives up whom nobody can use', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'registry', module: RegistryModule }],
      environment: { REGISTRY_UNUSABLE_MS: String(UNUSABLE_MS) },
    });
  });
  afterAll(() => bench?.stop());

  const { register, registerInstance } = registryCalls(() => bench);

  it('does not count the time in which it was away: what the checks said then waits for it', async () => {
    await register('awaited');
    await registerInstance('awaited', 'awaited-1');
    await bench.stopService('registry');
    const awayAt = Date.now();
    await bench.eventually(
      () => Date.now() - awayAt,
      (ms) => ms > UNUSABLE_MS + 1_000,
    );
    const backAt = Date.now();
    await bench.startService('registry');
    const [end] = await bench.eventually(
      () =>
        bench.rows<{ recorded_at: Date }>(
          `select recorded_at from log.event where stream = $1 and type = 'InstanceTerminating'`,
          ['instance-awaited-1'],
        ),
      (ends) => expect(ends).toHaveLength(1),
    );
    expect((end?.recorded_at.getTime() ?? 0) - backAt).toBeGreaterThanOrEqual(UNUSABLE_MS);
  });
});
