import type { MessageBus } from '@downbeat/message-bus';
import type { Measurable } from '@downbeat/observability-domain';
import type { Clock } from '@downbeat/service-host';
import { ContextSources } from './context-sources';
import { OverdueRuns } from './overdue-runs';

const T0 = 1_000_000_000;
const at = new Date(T0).toISOString();

/** Contexts that answer so, by the name of the query; and what they were asked. */
function contexts(answers: Readonly<Record<string, object | 'refused'>>) {
  const asked: string[] = [];
  const bus = {
    query: (subject: string, { input }: { input: { cursor?: string } }) => {
      const name = subject.split('.').at(-1) ?? '';
      asked.push(name);
      const data = answers[`${name} ${input.cursor}`] ?? answers[name];
      return Promise.resolve(
        data === 'refused' ? { ok: false, problem: { message: 'no' } } : { ok: true, data },
      );
    },
  } as unknown as MessageBus;
  let nowMs = T0;
  const clock = { now: () => nowMs } as Clock;
  const sources = new ContextSources(bus, clock, new OverdueRuns(bus, clock));
  return {
    asked,
    pass: (ms: number) => (nowMs += ms),
    measure: async (name: string) => {
      const measured = await sources.all.find((one) => one.name === name)?.measure();
      return (of: Measurable) => measured?.isUncertain?.(of) ?? false;
    },
  };
}

const incident = { id: 'i', workflow_name: 'order', opened_at: at, message: 'm' };
const group = { cause: 'c', reason: 'r', consumer: 'saga', count: 3 };
const breaker = {
  ...{ id: 'b', service_name: 'shop', target_service: 'billing', endpoint_pattern: '*' },
  ...{ failure_count: 1, state_changed_at: at },
};
const run = {
  ...{ workflow_name: 'order', workflow_version: '1.0.0', started_at: at },
  ...{ paused: false, needs_attention: false },
};
const down = { status: 'unhealthy', unhealthy_instances: 1 };
const healthy = { status: 'healthy', unhealthy_instances: 0 };

describe('of what a page has no room for', () => {
  const age = (subject: string) => ({ metric: 'incident_age_seconds', subject }) as const;
  const open = { metric: 'incidents_open', subject: 'order' } as const;

  it('nothing is known: incidents', async () => {
    const whole = await contexts({ 'list-incidents': { incidents: [incident] } }).measure(
      'incidents',
    );
    expect([age('i'), age('old'), open].map(whole)).toEqual([false, false, false]);
    const answer = { incidents: [incident], next_cursor: 'more' };
    const cut = await contexts({ 'list-incidents': answer }).measure('incidents');
    expect([age('i'), age('old'), open].map(cut)).toEqual([false, true, true]);
  });

  it('nothing is known: dead letters', async () => {
    const letters = { metric: 'dead_letters', subject: 'saga' } as const;
    const answered = (quarantined: number) =>
      contexts({ 'list-dead-letters': { groups: [group], by_status: { quarantined } } }).measure(
        'messaging',
      );
    expect((await answered(3))(letters)).toBe(false);
    expect((await answered(4))(letters)).toBe(true);
  });

  const answers = (more: object, components: object, omitted: number) => ({
    'system-health': { components, components_omitted: omitted },
    'list-circuit-breakers': { circuit_breakers: [breaker], ...more },
    'dependency-graph': { dependencies: [] },
  });
  const breakerOf = (subject: string) => ({ metric: 'breaker_open_seconds', subject }) as const;
  const downOf = (subject: string) => ({ metric: 'service_down', subject }) as const;
  const takesAlong = { metric: 'critical_dependents', subject: 'other' } as const;

  it('nothing is known: breakers', async () => {
    const whole = await contexts(answers({}, {}, 0)).measure('health');
    expect([breakerOf('shop -> x'), takesAlong].map(whole)).toEqual([false, false]);
    const cut = await contexts(answers({ next_cursor: 'more' }, {}, 0)).measure('health');
    const of = [breakerOf('shop -> billing'), breakerOf('shop -> x'), takesAlong, downOf('x')];
    expect(of.map(cut)).toEqual([false, true, true, false]);
  });

  it('more pages are asked for: breakers', async () => {
    const last = { 'list-circuit-breakers more': { circuit_breakers: [breaker] } };
    const system = contexts({ ...answers({ next_cursor: 'more' }, {}, 0), ...last });
    const whole = await system.measure('health');
    expect([breakerOf('shop -> x'), takesAlong].map(whole)).toEqual([false, false]);
    expect(system.asked.filter((name) => name === 'list-circuit-breakers')).toHaveLength(4);
  });

  it('a further page that is not answered hides nothing of the first: breakers', async () => {
    const last = { 'list-circuit-breakers more': 'refused' } as const;
    const cut = await contexts({ ...answers({ next_cursor: 'more' }, {}, 0), ...last }).measure(
      'health',
    );
    const of = [breakerOf('shop -> billing'), breakerOf('shop -> x'), downOf('x')];
    expect(of.map(cut)).toEqual([false, true, false]);
  });

  it('nothing is known: services, unless only healthy ones are left out', async () => {
    const of = [downOf('a'), downOf('x'), takesAlong];
    const some = await contexts(answers({}, { a: down, b: healthy }, 5)).measure('health');
    expect(of.map(some)).toEqual([false, false, false]);
    // It stands among those whose own instances fail: such may be behind it.
    const heir = { ...healthy, inherited: { origin: 'a', path: ['b', 'a'] } };
    const heirs = await contexts(answers({}, { a: down, b: heir }, 5)).measure('health');
    expect(of.map(heirs)).toEqual([false, true, true]);
    const none = await contexts(answers({}, { a: down }, 5)).measure('health');
    expect(of.map(none)).toEqual([false, true, true]);
  });

  it('nothing is known: runs, and nobody asks for them again at once', async () => {
    const overdue = { metric: 'runs_overdue', subject: 'order' } as const;
    const system = contexts({
      'list-workflows': { workflows: [run], next_cursor: 'more' },
      'list-workflow-definitions': { definitions: [] },
    });
    expect((await system.measure('runs'))(overdue)).toBe(true);
    const { length } = system.asked;
    system.pass(5_000);
    expect((await system.measure('runs'))(overdue)).toBe(true);
    expect(system.asked).toHaveLength(length);
    system.pass(60_000);
    await system.measure('runs');
    expect(system.asked.length).toBeGreaterThan(length);
  });
});
