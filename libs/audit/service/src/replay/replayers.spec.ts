import type { AuditLog } from '@downbeat/event-store';
import type { RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import { declaredDependencies } from '@downbeat/registry-domain';
import { replayerOf, replayersOn } from './replayers';

const replayers = replayersOn({} as AuditLog);
const kindOf = (stream: string, context: string) => {
  const replayer = replayerOf(replayers, stream as StreamName, context);
  return Object.entries(replayers).find(([, one]) => one === replayer)?.[0];
};

const replayed = async (kind: string, appends: readonly (readonly object[])[]) => {
  const replay = replayers[kind]?.begin();
  const found = [];
  for (const append of appends) found.push(await replay?.apply(append as RecordedEvent[]));
  return found.map((comparison) => comparison?.isSame);
};
const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 9, 0, second)).toISOString();
const due = (second: number) => ({
  name: 'nightly',
  due_at: at(second),
  correlation_id: `schedule:nightly:${at(second)}`,
});

describe('the stream of a schedule', () => {
  const events: readonly (readonly object[])[] = [
    [
      {
        type: 'ScheduleSet',
        data: {
          name: 'nightly',
          plan: {
            workflow_name: 'count',
            cron: '* * * * * *',
            time_zone: 'UTC',
            context_data: {},
            overlap: 'queue',
            catch_up_minutes: 1,
          },
          at: at(0),
        },
      },
    ],
    [{ type: 'OccurrenceDue', data: { ...due(1), at: at(1) } }],
    [
      {
        type: 'OccurrenceStarted',
        data: { name: 'nightly', due_at: at(1), workflow_id: 'w', at: at(1) },
      },
    ],
    [
      { type: 'OccurrenceQueued', data: { name: 'nightly', due_at: at(2), at: at(3) } },
      {
        type: 'OccurrenceSkipped',
        data: { name: 'nightly', due_at: at(3), behind: due(1).correlation_id, at: at(3) },
      },
    ],
    [
      {
        type: 'OccurrenceEnded',
        data: { name: 'nightly', due_at: at(1), status: 'completed', at: at(3) },
      },
    ],
    [{ type: 'OccurrenceDue', data: { ...due(2), at: at(3) } }],
    [{ type: 'SchedulePaused', data: { name: 'nightly', reason: 'moving', at: at(4) } }],
    [{ type: 'ScheduleResumed', data: { name: 'nightly', at: at(5) } }],
    [{ type: 'ScheduleDeleted', data: { name: 'nightly', at: at(6) } }],
  ];
  it('is decided again from its events alone', async () =>
    expect(await replayed('schedule', events)).toEqual(events.map(() => true)));
  it('shows a decision that nobody made', async () => {
    const altered = JSON.parse(JSON.stringify(events).replace('Queued', 'Skipped')) as object[][];
    expect(await replayed('schedule', altered)).toContain(false);
  });
});

describe('the stream of a report of calls', () => {
  const recorded = (ok: number) => ({
    type: 'CallsRecorded',
    data: {
      report_id: 'shop.1:7',
      calls: [
        {
          ...{ source_service: 'shop', target_service: 'billing', protocol: 'http' },
          ...{ method: 'GET', endpoint: '/', minute: '2026-03-01T09:00:00.000Z', ok },
          ...{ client_errors: 0, server_errors: 0, unanswered: 0 },
          ...{ duration_us: 4_000, durations: { '47': ok } },
        },
      ],
      lost_calls: 2,
      at: at(1),
    },
  });
  it('is decided again from its event alone', async () =>
    expect(await replayed('call-report', [[recorded(1)]])).toEqual([true]));
  it('shows a second one that nobody decided', async () =>
    expect(await replayed('call-report', [[recorded(1)], [recorded(2)]])).toEqual([true, false]));
  it('is its kind', () =>
    expect(kindOf('call-report-shop.1:7', 'observability')).toBe('call-report'));
});

describe('the streams of configurations', () => {
  const of = { service_id: 'billing', environment: 'production' };
  const created = (n: number) => ({
    type: 'ConfigurationCreated',
    data: {
      ...of,
      config_version: `${n}`,
      configuration: { n },
      effective: { n },
      checksum: `sum-${n}`,
      secrets_refs: [],
      is_encrypted: false,
      created_by: 'kim',
    },
  });
  const activated = (activation: number, n: number, more: object) => ({
    type: 'ConfigurationActivated',
    data: {
      ...of,
      activation,
      config_version: `${n}`,
      checksum: `sum-${n}`,
      is_rollback: false,
      activated_by: 'kim',
      ...more,
    },
  });
  const gate = {
    observe_seconds: 9,
    unhealthy_max_percent: 0,
    refused_max: 0,
    applied_min_percent: 0,
  };
  const evidence = { instances: 1, unhealthy: 1 };
  const events: readonly (readonly object[])[] = [
    [created(1)],
    [created(2)],
    [activated(1, 1, { gate })],
    [
      {
        type: 'ActivationConfirmed',
        data: { ...of, activation: 1, config_version: '1', evidence },
      },
    ],
    [activated(2, 2, { previous_version: '1', gate })],
    [
      {
        type: 'ActivationReverted',
        data: {
          ...of,
          activation: 2,
          config_version: '2',
          because: 'ill',
          evidence,
          next_activation: 3,
          to_version: '1',
          to_checksum: 'sum-1',
        },
      },
    ],
    [activated(4, 2, { previous_version: '1', is_rollback: true, reason: 'r' })],
  ];
  it('are decided again from their events alone', async () =>
    expect(await replayed('configuration', events)).toEqual(events.map(() => true)));
  it('show a decision that nobody made', async () => {
    const altered = JSON.stringify(events).replace('"to_version":"1"', '"to_version":"2"');
    expect(await replayed('configuration', JSON.parse(altered) as object[][])).toContain(false);
  });
  it('of instances are known by their kind, whatever an instance is called', () => {
    expect(kindOf('applied-configuration-a', 'registry')).toBe('applied-configuration');
    expect(kindOf('instance-configuration-a', 'registry')).toBe('instance');
    expect(kindOf('configuration-billing:base', 'registry')).toBe('configuration');
  });
});

it('decides a bulk operation again from its events alone', async () => {
  const [bulk_id, workflow_ids] = ['outage', ['a', 'b', 'c']];
  const request = { bulk_id, action: 'retry', filter: {}, reason: 'r', rate_per_second: 1 };
  const answered = (from: number, ...answers: string[]) => ({
    type: 'BulkRunsAnswered',
    data: { bulk_id, from, answers, at: at(1) },
  });
  const started = {
    type: 'BulkOperationStarted',
    data: { bulk_id, request, workflow_ids, at: at(0) },
  };
  const completed = { type: 'BulkOperationCompleted', data: { bulk_id, at: at(1) } };
  const aborted = { type: 'BulkOperationAborted', data: { bulk_id, reason: 'r', at: at(1) } };
  const whole = [[started], [answered(0, 'accepted', 'x')], [answered(2, 'x'), completed]];
  expect(await replayed('bulk', whole)).toEqual([true, true, true]);
  const forgotten = { type: 'BulkOperationForgotten', data: { bulk_id, count: 3, at: at(2) } };
  const over = [[started], [aborted], [forgotten]];
  expect(await replayed('bulk', over)).toEqual([true, true, true]);
  expect(await replayed('bulk', [[started], [answered(1, 'x')]])).toEqual([true, false]);
});

it('decides a retention policy again from its events alone', async () => {
  const workflow_name = 'book';
  const rules = { completed: { archive_after_days: 7, purge_after_days: 90 } };
  const set = { type: 'RetentionPolicySet', data: { workflow_name, rules, at: at(0) } };
  const deleted = { type: 'RetentionPolicyDeleted', data: { workflow_name, at: at(1) } };
  expect(await replayed('retention', [[set], [deleted]])).toEqual([true, true]);
  expect(await replayed('retention', [[set], [set]])).toEqual([true, false]);
});

it('decides the pauses of a definition again from their events alone', async () => {
  const workflow_name = 'book';
  const paused = (runs: string, pause_no: number) => [
    { type: 'DefinitionPaused', data: { workflow_name, reason: 'r', runs, pause_no, at: at(0) } },
  ];
  const resumed = [{ type: 'DefinitionResumed', data: { workflow_name, pause_no: 2, at: at(1) } }];
  const whole = [paused('leave', 1), paused('pause', 2), resumed];
  expect(await replayed('definition-control', whole)).toEqual([true, true, true]);
  expect(await replayed('definition-control', [paused('leave', 2)])).toEqual([false]);
});

it('decides again who may depend on whom, from the events alone', async () => {
  const declared = (service_name: string, ...names: string[]) => [
    {
      type: 'DependenciesDeclared',
      data: { service_name, dependencies: [...declaredDependencies(names)] },
    },
  ];
  const whole = [declared('a', 'b'), declared('b', 'c'), declared('a')];
  expect(await replayed('dependencies', [...whole, declared('c', 'a')])).toEqual([
    true,
    true,
    true,
    true,
  ]);
  const circle = [...whole.slice(0, 2), declared('c', 'a')];
  expect(await replayed('dependencies', circle)).toEqual([true, true, false]);
});

describe('the streams of breakers', () => {
  const named = {
    breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
    service_name: 'shop',
    target_service: 'billing',
    endpoint_pattern: '*',
  };
  const settings = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };

  it('are decided again from their events: settings and orders', async () => {
    const order = (type: string, order_no: number, second: number, more: object) => [
      { type, data: { ...named, order_no, reason: 'r', at: at(second), ...more } },
    ];
    const whole = [
      [{ type: 'BreakerCreated', data: { ...named, settings, at: at(0) } }],
      order('BreakerForceOrdered', 1, 1, { mode: 'forced_open', until: at(31) }),
      order('BreakerReleaseOrdered', 2, 2, {}),
      order('BreakerResetOrdered', 3, 3, { force: false }),
      [{ type: 'BreakerRemoved', data: { ...named, at: at(4) } }],
    ];
    expect(await replayed('breaker', whole)).toEqual(whole.map(() => true));
    const twice = [order('BreakerReleaseOrdered', 1, 2, {})];
    expect(await replayed('breaker', twice)).toEqual([false]);
    const set = { type: 'BreakerDefaultsSet', data: { settings, at: at(0) } };
    expect(await replayed('breaker-defaults', [[set], [set]])).toEqual([true, false]);
  });

  it('are decided again from their events: reports', async () => {
    const of = { holder: 'shop-1', report_no: 1 };
    const transition = { at: at(0), from: 'closed', to: 'open', mode: 'automatic' };
    const transitioned = {
      type: 'BreakerTransitioned',
      data: { ...of, ...named, ...transition, cause: { kind: 'waited' }, reported_at: at(1) },
    };
    const held = { ...named, ...settings, state: 'open', mode: 'automatic', failure_count: 5 };
    const rest = { success_count: 0, transitions_lost: 0, calls: [], orders_done: [] };
    const breakers = [{ ...held, ...rest }];
    const counted = {
      type: 'BreakersCounted',
      data: { ...of, is_leaving: false, breakers, reported_at: at(1) },
    };
    expect(await replayed('breaker-reports', [[transitioned, counted]])).toEqual([true]);
    expect(await replayed('breaker-reports', [[transitioned]])).toEqual([false]);
    const again = [[transitioned, counted], [counted]];
    expect(await replayed('breaker-reports', again)).toEqual([true, false]);
  });
});

it('decides a batch of spans again from its event alone', async () => {
  const span = {
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
    operation_name: 'POST /orders',
    span_kind: 'server',
    start_us: Date.parse(at(0)) * 1_000,
    duration_us: 12_500,
  };
  const recorded = (more: object) => ({
    type: 'SpansRecorded',
    data: {
      batch_id: 'b',
      resources: [{ service_name: 'shop', spans: [{ ...span, ...more }] }],
      at: at(1),
    },
  });
  expect(await replayed('spans', [[recorded({})]])).toEqual([true]);
  expect(await replayed('spans', [[recorded({})], [recorded({})]])).toEqual([true, false]);
  expect(await replayed('spans', [[recorded({ start_us: 0 })]])).toEqual([false]);
});

it('decides what is forgotten of the spans again from its event alone', async () => {
  const forgotten = (batches: readonly object[]) => ({
    type: 'SpansForgotten',
    data: { up_to_position: 7, batches, at: at(1) },
  });
  const batch = { batch_id: 'b', position: 7, span_count: 2, trace_ids: ['a'] };
  expect(await replayed('forgotten-spans', [[forgotten([batch])]])).toEqual([true]);
  expect(await replayed('forgotten-spans', [[forgotten([])]])).toEqual([false]);
  const twice = [[forgotten([batch])], [forgotten([batch])]];
  expect(await replayed('forgotten-spans', twice)).toEqual([true, false]);
});

it('forgets calls once, and only when there are any', async () => {
  const forgotten = (...places: string[]) => ({
    type: 'CallsForgotten',
    data: {
      minutes: { began_before: at(0), places },
      hours: { began_before: at(0), places: [] },
      at: at(1),
    },
  });
  const some = forgotten('shop:billing:http:7');
  expect(await replayed('forgotten-calls', [[some]])).toEqual([true]);
  expect(await replayed('forgotten-calls', [[forgotten()]])).toEqual([false]);
  expect(await replayed('forgotten-calls', [[some], [some]])).toEqual([true, false]);
});

describe('the streams of queues', () => {
  it('are decided again from their events: declarations', async () => {
    const named = { queue_name: 'placed', at: at(0) };
    const created = { ...named, queue_type: 'topic', retention_hours: 2 };
    const changed = { ...named, retention_hours: 2, dlq_enabled: false };
    const whole = [
      [{ type: 'QueueCreated', data: created }],
      [{ type: 'QueueChanged', data: changed }],
      [{ type: 'QueueRemoved', data: { ...named, reason: 'r' } }],
    ];
    expect(await replayed('queue', whole)).toEqual([true, true, true]);
    const again = [whole[0] ?? [], whole[1] ?? [], whole[1] ?? []];
    expect(await replayed('queue', again)).toEqual([true, true, false]);
  });

  it('are decided again from their events: delayed messages, and what was seen', async () => {
    const delayed_id = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
    const facts = { message_id: 'm', queue_name: 'q', from: 'shop', message_type: 't' };
    const delayed = { delayed_id, ...facts, due_at: at(9), at: at(0) };
    const released = [{ type: 'DelayedMessageReleased', data: { delayed_id, at: at(9) } }];
    const whole = [[{ type: 'MessageDelayed', data: delayed }], released];
    expect(await replayed('delayed-message', [...whole, released])).toEqual([true, true, false]);
    const batch = { batch_id: 'b', stream_created: at(0), messages: [], at: at(1) };
    const seen = [{ type: 'MessagesProduced', data: batch }];
    expect(await replayed('message-flow', [seen, seen])).toEqual([true, false]);
  });
});

describe('the kind of a stream', () => {
  it.each([
    ['service-billing', 'registry', 'service'],
    ['dependencies-all', 'registry', 'dependencies'],
    ['workflow-0198', 'saga', 'workflow'],
    ['workflow-definition-book', 'saga', 'workflow-definition'],
    ['dead-letter-0198', 'messaging', 'dead-letter'],
    ['dead-letter-operation-redrive-after-fix', 'messaging', 'dead-letter-operation'],
    ['subscription-shipping', 'messaging', 'subscription'],
    ['queue-placed', 'messaging', 'queue'],
    ['delayed-message-0198', 'messaging', 'delayed-message'],
    ['message-flow-produced.x', 'messaging', 'message-flow'],
    ['spans-4f1c.0', 'observability', 'spans'],
    ['forgotten-spans-4711', 'observability', 'forgotten-spans'],
    ['forgotten-calls-4711', 'observability', 'forgotten-calls'],
    ['schedule-nightly', 'saga', 'schedule'],
    ['bulk-outage', 'saga', 'bulk'],
    ['definition-control-book', 'saga', 'definition-control'],
    ['breaker-3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21', 'health', 'breaker'],
    ['breaker-reports-shop-1.0', 'health', 'breaker-reports'],
    ['breaker-defaults-all', 'health', 'breaker-defaults'],
  ])('of %s is told by its name', (stream, context, kind) =>
    expect(kindOf(stream, context)).toBe(kind),
  );

  it.each([
    ['weather-berlin', 'health'],
    ['service-billing', 'health'],
    ['services', 'registry'],
    ['__proto__-x', 'registry'],
  ])('of %s in %s is unknown', (stream, context) =>
    expect(kindOf(stream, context)).toBeUndefined(),
  );
});

describe('the stream of an instance', () => {
  const names = { service_id: 'billing', instance_id: 'billing-1' };
  const check = { url: 'http://10.0.0.7:3000/health', interval_ms: 1_000, timeout_ms: 500 };
  const session = (client_id: number) => ({ session: { server_id: 'NATS1', client_id } });
  const events: readonly (readonly object[])[] = [
    [
      {
        type: 'InstanceRegistered',
        data: {
          ...{ ...names, node_name: 'node-a', ip_address: '10.0.0.7', port: 3_000 },
          ...{ version: '1.0.0', check, weight: 2, ...session(1) },
        },
      },
    ],
    [{ type: 'InstanceSessionMoved', data: { ...names, ...session(2) } }],
    [{ type: 'InstanceAdjusted', data: { ...names, weight: 3, priority: 1 } }],
    [
      { type: 'InstanceSessionMoved', data: { ...names, ...session(3) } },
      { type: 'InstanceLifecycleAnnounced', data: { ...names, lifecycle: 'initializing' } },
    ],
    [{ type: 'InstanceTerminating', data: { ...names, reason: 'deregistered' } }],
    [
      {
        type: 'InstanceRegistered',
        data: {
          ...{ ...names, node_name: 'node-a', ip_address: '10.0.0.7', port: 3_000 },
          ...{ version: '1.0.0', check, ...session(4) },
        },
      },
      {
        type: 'InstanceLifecycleAnnounced',
        data: { ...names, lifecycle: 'starting', detail: 'warms its cache' },
      },
    ],
    [
      { type: 'InstanceAdjusted', data: { ...names, metadata: { rack: 'b' } } },
      { type: 'InstanceSessionMoved', data: { ...names } },
    ],
  ];
  it('is decided again from its events alone', async () =>
    expect(await replayed('instance', events)).toEqual(events.map(() => true)));
  it('shows a change that is none', async () => {
    const again = [...events, [{ type: 'InstanceSessionMoved', data: { ...names } }]];
    expect((await replayed('instance', again)).at(-1)).toBe(false);
  });
});
