import { cascade } from '@downbeat/observability-domain';
import { breakerSamples, openSince } from './breaker-samples';
import { deadLetterSamples, serviceSamples } from './context-samples';
import { outages } from './last-day';
import { overdueSamples } from './overdue-runs';
import { processReport } from './process-report';
import { processSamples } from './process-samples';

const report = (more: object = {}) =>
  processReport.parse({
    name: 'saga',
    process_id: 'p1',
    memory_bytes: 100,
    bus: { waiting: 0, quarantined: 2, handler_timeouts: 0, disconnects: 0, server_gave_up: 0 },
    contexts: [
      {
        context: 'saga',
        projections: [{ name: 'saga.runs', lag: 7, parked_streams: 0 }],
        relay_finds: 1,
        unsent: 3,
      },
    ],
    queues: [{ name: 'commands of saga', messages: 4, oldest_seconds: 9 }],
    ...more,
  });

describe('reports of processes', () => {
  const valueOf = (measured: ReturnType<typeof processSamples>, metric: string, subject: string) =>
    measured.samples.find((one) => one.metric === metric && one.subject === subject)?.value;

  it('say how each is', () => {
    const measured = processSamples([{ report: report(), atMs: 1_000 }], [], 0, 5_000);
    expect(valueOf(measured, 'process_memory_bytes', 'saga p1')).toBe(100);
    expect(valueOf(measured, 'bus_quarantined_total', 'saga p1')).toBe(2);
    expect(valueOf(measured, 'projection_lag_positions', 'saga.runs')).toBe(7);
    expect(valueOf(measured, 'publications_unsent', 'saga')).toBe(3);
    expect(valueOf(measured, 'queue_oldest_seconds', 'commands of saga')).toBe(9);
    expect(valueOf(measured, 'process_silent_seconds', 'saga')).toBe(4);
  });

  it('that are missing say something too, from when somebody listens', () => {
    const measured = processSamples([], ['gateway'], 10_000, 70_000);
    expect(valueOf(measured, 'process_silent_seconds', 'gateway')).toBe(60);
    expect(measured.metrics.has('process_memory_bytes')).toBe(false);
  });

  it('of one replica say that its name is there', () => {
    const heard = [
      { report: report(), atMs: 0 },
      { report: report({ process_id: 'p2' }), atMs: 99_000 },
    ];
    const measured = processSamples(heard, [], 0, 100_000);
    expect(valueOf(measured, 'process_silent_seconds', 'saga')).toBe(1);
    expect(valueOf(measured, 'process_memory_bytes', 'saga p1')).toBeUndefined();
  });
});

describe('what was measured of a process that says nothing now', () => {
  const MINUTE = 60_000;
  const now = 100 * MINUTE;
  const heard = (process_id: string, agoMs: number, more: object = {}) => ({
    report: report({ process_id, ...more }),
    atMs: now - agoMs,
  });
  const other = heard('g1', 1_000, { name: 'gateway', contexts: [], queues: [] });
  const memory = (subject: string) =>
    ({ metric: 'process_memory_bytes', subject, service_name: 'saga' }) as const;
  const finds = { metric: 'relay_finds_total', subject: 'saga p1', service_name: 'saga' } as const;
  const lag = { metric: 'projection_lag_positions', service_name: 'saga' } as const;
  const queue = { metric: 'queue_messages', service_name: 'saga' } as const;
  const isUncertain = (
    all: readonly ReturnType<typeof heard>[],
    of: Parameters<NonNullable<ReturnType<typeof processSamples>['isUncertain']>>[0],
    listeningMs = 90 * MINUTE,
  ) => processSamples(all, [], now - listeningMs, now).isUncertain?.(of);

  it.each([memory('saga p1'), finds, { ...lag, subject: 'saga.runs' }, { ...queue, subject: 'q' }])(
    'is uncertain, whoever else is heard: $metric',
    (of) => {
      expect(isUncertain([other, heard('p1', MINUTE)], of)).toBe(true);
      // As to who has only begun to listen.
      expect(isUncertain([other], of, MINUTE)).toBe(true);
    },
  );

  it('is over when the process was replaced, or was not heard of for an hour', () => {
    for (const one of [memory('saga p1'), finds]) {
      expect(isUncertain([heard('p2', 1_000), heard('p1', 20_000)], one)).toBe(true);
      expect(isUncertain([heard('p2', 1_000), heard('p1', 2 * MINUTE)], one)).toBe(false);
      expect(isUncertain([heard('p2', 1_000)], one, 2 * MINUTE)).toBe(false);
      expect(isUncertain([other], one)).toBe(false);
    }
    expect(isUncertain([other], { ...lag, subject: 'saga.runs' })).toBe(false);
  });

  it('is over when the process is heard, and says nothing of it', () => {
    expect(isUncertain([heard('p1', 1_000)], { ...lag, subject: 'saga.old' })).toBe(false);
    expect(isUncertain([heard('p1', 1_000)], { ...queue, subject: 'old' })).toBe(false);
    const withoutQueues = heard('p1', 1_000, { queues: undefined });
    expect(isUncertain([withoutQueues], { ...queue, subject: 'q' }, MINUTE)).toBe(true);
  });

  it('is uncertain while a process that sends publications does not say how many are unsent', () => {
    const saga = { subject: 'saga', service_name: 'saga' };
    const unsent = { metric: 'publications_unsent', ...saga } as const;
    const context = { context: 'saga', projections: [], relay_finds: 1 };
    const withoutLock = { contexts: [context] };
    // The last report is what is kept of a life: that it said how many before is not known any more.
    expect(isUncertain([heard('p1', 1_000, withoutLock)], unsent)).toBe(true);
    expect(
      isUncertain([heard('p1', 1_000, withoutLock), heard('p2', MINUTE, withoutLock)], unsent),
    ).toBe(true);
    // The lock went to another one, which says it.
    expect(isUncertain([heard('p1', 1_000, withoutLock), heard('p2', 1_000)], unsent)).toBe(false);
    expect(isUncertain([heard('p1', 1_000)], unsent)).toBe(false);
    const withoutRelay = { contexts: [{ context: 'saga', projections: [] }] };
    expect(isUncertain([heard('p1', 1_000, withoutRelay)], unsent)).toBe(false);
  });

  it('that is not among those expected is uncertain as well', () => {
    const silent = {
      metric: 'process_silent_seconds',
      subject: 'own',
      service_name: 'own',
    } as const;
    expect(isUncertain([other], silent, MINUTE)).toBe(true);
    expect(isUncertain([other], silent)).toBe(false);
    expect(isUncertain([other], { ...silent, subject: 'gateway' }, MINUTE)).toBe(false);
  });

  it('is no matter of what others measure', () =>
    expect(isUncertain([], { metric: 'dead_letters', subject: 'c' }, 0)).toBe(false));
});

describe('breakers', () => {
  const named = { service_name: 'shop', target_service: 'billing', endpoint_pattern: '*' };
  const breaker = (state_changed_at: string) => ({ ...named, id: 'b', state_changed_at });
  it('that are tried and open again were open all the time', () => {
    const first = openSince(new Map(), [breaker('2026-03-01T09:30:00.000Z')], 0);
    const second = openSince(first, [breaker('2026-03-01T09:31:00.000Z')], 0);
    expect(second.get('b')?.sinceMs).toBe(first.get('b')?.sinceMs);
    const missed = openSince(second, [], 0);
    const third = openSince(missed, [breaker('2026-03-01T09:32:00.000Z')], 0);
    expect(third.get('b')?.sinceMs).toBe(first.get('b')?.sinceMs);
    expect(openSince(missed, [], 0)).toEqual(new Map());
  });

  it('that a page has no room for may be open still, and not for long', () => {
    const opened = '2026-03-01T09:30:00.000Z';
    const reopened = '2026-03-01T10:30:00.000Z';
    const first = openSince(new Map(), [breaker(opened)], 0);
    const unseen = openSince(first, [], 60_000, true);
    expect(openSince(unseen, [breaker(reopened)], 60_000, true).get('b')?.sinceMs).toBe(
      Date.parse(opened),
    );
    // Not seen for longer: it was closed meanwhile.
    const later = openSince(unseen, [], 60_001, true);
    expect(openSince(later, [breaker(reopened)], 60_001, true).get('b')?.sinceMs).toBe(
      Date.parse(reopened),
    );
  });

  it('are measured from when they opened', () => {
    const one = { ...named, id: 'b', failure_count: 5 };
    const since = new Map([['b', { breaker: named, sinceMs: 1_000, seenAtMs: 31_000 }]]);
    const { samples } = breakerSamples([one as never], since, 31_000);
    expect(samples).toMatchObject([
      { subject: 'shop -> billing', service_name: 'billing', value: 30 },
    ]);
  });

  it('were out from leaving closed to closed, by holder', () => {
    const at = (seconds: number) => new Date(seconds * 1_000).toISOString();
    const history = [
      { holder: 'h', timestamp: at(0), to_state: 'open' },
      { holder: 'h', timestamp: at(10), to_state: 'half_open' },
      { holder: 'i', timestamp: at(15), to_state: 'open' },
      { holder: 'h', timestamp: at(20), to_state: 'closed' },
    ] as const;
    expect(outages(history, at(50) as never)).toEqual([
      { sinceMs: 0, endMs: 20_000 },
      { sinceMs: 15_000, endMs: 50_000 },
    ]);
  });
});

describe('services', () => {
  it('are down when none of their instances is healthy', () => {
    const component = { is_critical: false, healthy_instances: 0, starting_instances: 0 };
    const { samples } = serviceSamples({
      billing: { ...component, status: 'unhealthy', unhealthy_instances: 2 },
      shop: { ...component, status: 'degraded', unhealthy_instances: 1 },
      new: { ...component, status: 'unchecked', unhealthy_instances: 0 },
      // Nobody waits for one that its instances left by themselves.
      night: {
        ...{ ...component, status: 'unhealthy', unhealthy_instances: 0 },
        is_scaled_to_zero: true,
      },
    });
    expect(samples.map(({ metric, subject, value }) => [metric, subject, value])).toEqual([
      ['service_down', 'billing', 1],
      ['service_unhealthy_instances', 'billing', 2],
      ['service_down', 'shop', 0],
      ['service_unhealthy_instances', 'shop', 1],
      ['service_unhealthy_instances', 'night', 0],
    ]);
  });

  it('take along who needs them critically, in circles too', () => {
    const needs = [
      { source: 'a', target: 'x' },
      { source: 'b', target: 'a' },
      { source: 'x', target: 'b' },
    ];
    expect(cascade(needs, new Set(['x', 'lonely'])).samples).toMatchObject([
      { subject: 'x', value: 2, detail: 'a, b' },
      { subject: 'lonely', value: 0 },
    ]);
  });
});

describe('dead letters', () => {
  it('are counted by consumer, whatever their causes', () => {
    const group = {
      ...{ cause: 'c', reason: 'no field', first_at: '', last_at: '' },
      ...{ sample_id: 's', per_hour: [] },
    };
    expect(
      deadLetterSamples([
        { ...group, consumer: 'saga-commands', count: 2 },
        { ...group, consumer: 'saga-commands', count: 3 },
      ]).samples,
    ).toMatchObject([{ subject: 'saga-commands', value: 5 }]);
  });
});

describe('runs', () => {
  it('are overdue when they last longer than they may, and nobody holds them', () => {
    const run = {
      ...{ workflow_name: 'order', workflow_version: '1.0.0', paused: false },
      needs_attention: false,
      started_at: new Date(0).toISOString(),
    };
    const runs = [run, { ...run, paused: true }, { ...run, needs_attention: true }];
    expect(overdueSamples(runs, () => 1, 60_001).samples).toMatchObject([
      { subject: 'order', value: 1 },
    ]);
    expect(overdueSamples(runs, () => 1, 60_000).samples).toEqual([]);
  });
});
