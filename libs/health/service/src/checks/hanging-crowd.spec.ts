import { planOf, type CheckRequest, type CheckResult } from '@downbeat/health-domain';
import type { KnownInstance } from './known-instance';
import type { InstanceProbes } from './probes/instance-probes';
import { Probing } from './probing';
import { Watch } from './watch';

const [INSTANCES, HANGING, HOSTS, HANG_AT_MS] = [2_000, 1_000, 50, 20_000];
const times = { interval_ms: 5_000, timeout_ms: 2_000, failure_threshold: 3, success_threshold: 1 };

/** Half of a crowd hangs from one moment on; the time is played, and an answer takes 10 ms. */
function crowd() {
  const asked = new Map<string, number[]>();
  const fellAt: number[] = [];
  const doesHang = (url: string) =>
    Date.now() >= HANG_AT_MS && Number(url.split('/').at(-1)) < HANGING;
  const probes: Pick<InstanceProbes, 'run'> = {
    run: ({ url }: CheckRequest, timeoutMs: number) => {
      asked.set(url, [...(asked.get(url) ?? []), Date.now()]);
      const isPassed = !doesHang(url);
      const result: CheckResult = { isPassed, detail: 'as played' };
      return new Promise((resolve) => {
        setTimeout(() => resolve(result), isPassed ? 10 : timeoutMs);
      });
    },
  };
  const probing = new Probing(probes as InstanceProbes);
  for (let n = 0; n < INSTANCES; n++) {
    const check = { url: `http://10.0.0.${n % HOSTS}:3000/${n}`, ...times };
    const known: KnownInstance = {
      checked: { service_name: 'billing', instance_id: `billing-${n}`, check },
      sinceMs: 0,
      hasStarted: false,
      standing: undefined,
      position: 1,
    };
    const watch = new Watch(known, planOf(check), {
      probing,
      inheritedBy: () => undefined,
      onTurned: () => undefined,
      isOurs: () => true,
      onFault: (fault) => {
        throw fault;
      },
      log: {
        now: () => Date.now(),
        passedStartup: () => Promise.resolve(1),
        crossed: (_, { standing }) =>
          Promise.resolve(standing.status === 'unhealthy' ? fellAt.push(Date.now()) : 1),
      },
    });
    watch.begin((n / INSTANCES) * times.interval_ms);
  }
  const gapsOf = (url: string) =>
    (asked.get(url) ?? []).map((at, index, all) => at - (all[index - 1] ?? at));
  const healthy = () => [...asked.keys()].filter((url) => !doesHang(url));
  return { fellAt, gaps: () => healthy().flatMap(gapsOf) };
}

describe('a crowd of which half hangs', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('has the other half asked in time, and is seen to hang soon', async () => {
    const { fellAt, gaps } = crowd();
    await jest.advanceTimersByTimeAsync(HANG_AT_MS + 30_000);
    expect(Math.max(...gaps())).toBeLessThan(8_000);
    expect(fellAt).toHaveLength(HANGING);
    expect(Math.max(...fellAt) - HANG_AT_MS).toBeLessThan(28_000);
  });
});
