import type { MessageBus } from '@downbeat/message-bus';
import type { Clock } from '@downbeat/service-host';
import { ContextSources } from './context-sources';
import { OverdueRuns } from './overdue-runs';

const T0 = 1_000_000_000;
const EVERY_MS = 5_000;

type State = 'open' | 'half_open' | 'closed';
const breaker = (state_changed_at: number) => ({
  ...{ id: 'b', service_name: 'shop', target_service: 'billing', endpoint_pattern: '*' },
  ...{ failure_count: 1, state_changed_at: new Date(state_changed_at).toISOString() },
});

/** One breaker, which is in each state for one question. */
function flapping() {
  let states: State[] = [];
  let nowMs = T0;
  const health = {
    'system-health': () => ({ components: {}, components_omitted: 0 }),
    'dependency-graph': () => ({ dependencies: [] }),
    'list-circuit-breakers': (asked: State) => ({
      circuit_breakers: states.shift() === asked ? [breaker(nowMs)] : [],
    }),
  };
  const bus = {
    query: async (subject: string, { input }: { input: { state: State } }) => {
      const answer = health[subject.split('.').at(-1) as keyof typeof health];
      return { ok: true, data: answer(input.state) };
    },
  } as unknown as MessageBus;
  const clock = { now: () => nowMs } as Clock;
  const sources = new ContextSources(bus, clock, new OverdueRuns(bus, clock));
  const measure = async () => {
    const measured = await sources.all.find(({ name }) => name === 'health')?.measure();
    const ofBreaker = { metric: 'breaker_open_seconds', subject: 'shop -> billing' } as const;
    const ofTarget = { metric: 'critical_dependents', subject: 'billing' } as const;
    return {
      seconds: measured?.samples.find(({ metric }) => metric === ofBreaker.metric)?.value,
      isUnsure: [ofBreaker, ofTarget].map((of) => measured?.isUncertain?.(of) ?? false),
      isUnsureOfOthers: [ofBreaker, ofTarget].some(
        (of) => measured?.isUncertain?.({ ...of, subject: 'other' }) ?? false,
      ),
    };
  };
  return {
    measure,
    /** The next look, while the breaker goes through these states. */
    look: (...then: State[]) => {
      nowMs += EVERY_MS;
      states = then;
      return measure();
    },
    /** Two looks at once, each of whose questions are asked beside those of the other. */
    looks: (...then: State[]) => {
      nowMs += EVERY_MS;
      states = then;
      return Promise.all([measure(), measure()]);
    },
    pass: (ms: number) => (nowMs += ms),
  };
}

describe('a breaker that changes between two questions', () => {
  it('is not taken for closed, and was open all the time', async () => {
    const system = flapping();
    await system.look('open', 'open');
    const between = await system.look('half_open', 'open');
    expect(between).toEqual({
      seconds: undefined,
      isUnsure: [true, true],
      isUnsureOfOthers: false,
    });
    const { seconds, isUnsure } = await system.look('half_open', 'half_open');
    expect([seconds, isUnsure]).toEqual([10, [false, false]]);
    expect((await system.look('half_open', 'open')).isUnsure).toEqual([true, true]);
  });

  it('is closed when it is not found a second time', async () => {
    const system = flapping();
    await system.look('open', 'open');
    await system.look('closed', 'closed');
    expect((await system.look('closed', 'closed')).isUnsure).toEqual([false, false]);
    expect((await system.look('open', 'open')).seconds).toBe(0);
  });

  it('is closed when nobody looked for long', async () => {
    const system = flapping();
    await system.look('open', 'open');
    system.pass(60_000);
    expect((await system.look('closed', 'closed')).isUnsure).toEqual([false, false]);
  });

  it('is missed once by two that look at the same time', async () => {
    const system = flapping();
    await system.look('open', 'open');
    const both = await system.looks('half_open', 'half_open', 'open', 'open');
    expect(both.map(({ isUnsure }) => isUnsure)).toEqual([
      [true, true],
      [true, true],
    ]);
  });
});
