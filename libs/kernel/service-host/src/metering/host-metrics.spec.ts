import type { Append, Appended } from '@downbeat/event-store';
import { MemoryDeadLetters } from '@downbeat/message-bus/testing';
import type { Delivery, Settlement } from '@downbeat/message-bus';
import { Registry } from 'prom-client';
import { HostMetrics } from './host-metrics';
import { exposeReadiness } from './readiness-metrics';
import { Probes } from '../http/probes';
import { EventStoreOverloaded } from '@downbeat/event-store';

describe('what a process measures', () => {
  let metrics: HostMetrics;
  beforeEach(() => {
    metrics = new HostMetrics(new Registry());
  });
  const text = () => metrics.registry.metrics();

  describe('of commands', () => {
    const delivery = (subject: string) => ({ subject }) as Delivery;
    const handled = (settlement: Settlement, subject = 'command.registry.RegisterService.x') =>
      metrics.commands.measured(
        'registry',
        new Set(['RegisterService']),
        async () => settlement,
      )(delivery(subject));
    const counted = (outcome: string, command = 'RegisterService') =>
      `downbeat_commands_total{context="registry",command="${command}",outcome="${outcome}"} 1`;
    const accepted = { accepted: true, position: 1, answer: {}, repeated: false } as const;
    const problem = { code: 'x', message: 'x', kind: 'conflict' } as const;

    it.each<[string, Settlement]>([
      ['accepted', { outcome: 'done' }],
      ['accepted', { outcome: 'done', answer: accepted }],
      ['repeated', { outcome: 'done', answer: { ...accepted, repeated: true } }],
      ['refused', { outcome: 'done', answer: { accepted: false, problem } }],
      ['retried', { outcome: 'retry', reason: 'later' }],
      ['dead-lettered', { outcome: 'dead-letter', reason: 'never' }],
    ])('says that one was %s', async (outcome, settlement) => {
      expect(await handled(settlement)).toBe(settlement);
      expect(await text()).toContain(counted(outcome));
      expect(await text()).toContain(
        'downbeat_command_duration_seconds_count{context="registry",command="RegisterService"} 1',
      );
    });

    it('says that one broke, and lets the fault through', async () => {
      const fault = new Error('broken');
      const broken = metrics.commands.measured('registry', new Set(['RegisterService']), () =>
        Promise.reject(fault),
      );
      await expect(broken(delivery('command.registry.RegisterService.x'))).rejects.toBe(fault);
      expect(await text()).toContain(counted('broke'));
    });

    it('takes no name for a label that a sender has made up', async () => {
      await handled({ outcome: 'done' }, 'command.registry.Nonsense-4711.x');
      expect(await text()).toContain(counted('accepted', 'unknown'));
      expect(await text()).not.toContain('4711');
    });
  });

  it('counts queries by contract and outcome, and passes over what no context answers', async () => {
    const ok = { ok: true, position: 1, data: {} } as const;
    const problem = { code: 'x', message: 'x', kind: 'not-found' } as const;
    metrics.answered('query.registry.list-services', ok, performance.now());
    metrics.answered('query.registry.list-services', { ok: false, problem }, performance.now());
    metrics.answered('query.registry.made-up', ok, performance.now());
    metrics.answered('query.strange.list-services', ok, performance.now());
    const lines = (await text()).match(/^downbeat_queries_total\{.*$/gm);
    expect(lines).toEqual([
      'downbeat_queries_total{context="registry",query="list-services",outcome="ok"} 1',
      'downbeat_queries_total{context="registry",query="list-services",outcome="not-found"} 1',
      'downbeat_queries_total{context="registry",query="unknown",outcome="ok"} 1',
    ]);
  });

  describe('of the log', () => {
    const append = {
      stream: 'x-1',
      expected: 0,
      events: [
        { type: 'Opened', data: {} },
        { type: 'Told', data: {} },
        { type: 'Told', data: {} },
      ],
      meta: {},
    } as unknown as Append;
    const appended: Appended = { version: 3, position: 3, repeated: false };

    it('counts events by type and context', async () => {
      metrics.log.appended('saga', append, appended, performance.now());
      metrics.log.appended('health', append, appended, performance.now());
      expect(await text()).toContain('downbeat_log_events_total{context="saga",type="Told"} 2');
      expect(await text()).toContain('downbeat_log_events_total{context="health",type="Opened"} 1');
      expect(await text()).toContain(
        'downbeat_log_append_duration_seconds_count{context="saga"} 1',
      );
    });

    it('counts what was appended before as that, and not its events', async () => {
      metrics.log.appended('saga', append, { ...appended, repeated: true }, performance.now());
      expect(await text()).toContain(
        'downbeat_log_appends_total{context="saga",outcome="repeated"} 1',
      );
      expect(await text()).not.toContain('downbeat_log_events_total{');
    });

    it('says what stood against an append', async () => {
      metrics.log.failed('saga', new EventStoreOverloaded(1));
      metrics.log.failed('saga', new TypeError('x'));
      expect(await text()).toContain(
        'downbeat_log_appends_total{context="saga",outcome="overloaded"} 1',
      );
      expect(await text()).toContain(
        'downbeat_log_appends_total{context="saga",outcome="broke"} 1',
      );
    });

    it('shows how many appends go out together', async () => {
      metrics.log.flushed('saga', 3);
      expect(await text()).toContain('downbeat_log_flush_appends_bucket{le="2",context="saga"} 0');
      expect(await text()).toContain('downbeat_log_flush_appends_bucket{le="4",context="saga"} 1');
    });
  });

  it('counts a dead letter once it is kept, by its consumer', async () => {
    const kept = new MemoryDeadLetters();
    const letters = metrics.deadLetters.counted('health', kept);
    const letter = { id: 'l', consumer: 'health-commands', attempts: 1, headers: {} } as never;
    await letters.quarantine(letter);
    kept.quarantine = () => Promise.reject(new Error('no database'));
    await expect(letters.quarantine(letter)).rejects.toThrow('no database');
    expect(await text()).toContain(
      'downbeat_dead_letters_total{context="health",consumer="health-commands"} 1',
    );
  });

  it("counts what services have given up on as one: their consumers' names are made up", async () => {
    const letters = metrics.deadLetters.counted('messaging', new MemoryDeadLetters());
    for (const topic of ['x', 'y'])
      await letters.quarantine({
        id: topic,
        consumer: `shipping_${topic}_low`,
        attempts: 1,
        headers: {},
      } as never);
    expect((await text()).match(/^downbeat_dead_letters_total\{.*$/gm)).toEqual([
      'downbeat_dead_letters_total{context="messaging",consumer="messaging-commands"} 0',
      'downbeat_dead_letters_total{context="messaging",consumer="services"} 2',
    ]);
  });

  it('begins at 0 with what alerts wait for: Prometheus sees no rise of what was not there', async () => {
    metrics.commands.measured('registry', new Set(['RegisterService']), () => Promise.reject());
    metrics.deadLetters.counted('registry', new MemoryDeadLetters());
    metrics.log.begin('registry');
    const lines = await text();
    for (const line of [
      'downbeat_commands_total{context="registry",command="RegisterService",outcome="broke"} 0',
      'downbeat_dead_letters_total{context="registry",consumer="registry-commands"} 0',
      'downbeat_log_appends_total{context="registry",outcome="unavailable"} 0',
    ])
      expect(lines).toContain(line);
  });

  it('shows whether the process is ready, and what is not', async () => {
    const probes = new Probes();
    let isWell = true;
    probes.add({ name: 'nats', check: () => ({ isReady: isWell }) });
    exposeReadiness(metrics.registry, probes);
    expect(await text()).toMatch(/^downbeat_ready 1$/m);
    isWell = false;
    expect(await text()).toMatch(/^downbeat_ready 0$/m);
    expect(await text()).toMatch(/^downbeat_probe_ready\{probe="nats"\} 0$/m);
  });
});
