import type { JsonObject } from '@downbeat/eventsourcing';
import { AlertBench, SECRET } from './testing/alert-bench';
import { isSigned } from './testing/webhook-target';

describe('alerts of two replicas, on real Postgres and NATS', () => {
  let suite: AlertBench;
  beforeAll(async () => {
    suite = await AlertBench.start();
  });
  afterAll(() => suite?.stop());

  const refused = (command: string, id: string, body: JsonObject) =>
    suite.bench.command(`command.observability.${command}.${id}`, body);

  it('fire once, are told signed, acknowledged, and resolve', async () => {
    await suite.receiver('on-call', 'billing-down');
    await suite.rule('billing-down', 'billing');
    suite.services.set('billing', 'unhealthy');
    const fired = await suite.until('billing-down', 'firing');
    expect(fired).toMatchObject({
      subject: 'billing',
      episode: 1,
      value: 1,
      severity: 'critical',
      reason: expect.stringContaining('service_down of billing is 1'),
      links: {
        view: `/api/orchestration/health/services/billing?at=${fired.fired_position}`,
        alert: `/api/orchestration/alerts/${fired.alert_id}?at=${fired.fired_position}`,
        runbook: 'docs/alerts.md#service-down',
      },
    });
    const told = await suite.bench.eventually(
      () => suite.target.received.filter(({ path }) => path === '/on-call'),
      (all) => expect(all.length).toBeGreaterThan(0),
    );
    for (const one of told) expect(isSigned(one, SECRET)).toBe(true);
    expect(told[0]?.alerts[0]?.links).toEqual(fired.links);

    await suite.say('AcknowledgeAlert', fired.alert_id, { note: 'mine', episode: 1 });
    const { alert } = await suite.get(fired.alert_id);
    expect(alert).toMatchObject({ state: 'firing', acknowledged_note: 'mine' });
    expect(await refused('AcknowledgeAlert', fired.alert_id, { episode: 2 })).toMatchObject({
      problem: { code: 'alert-changed', errors: [{ field: 'episode' }] },
    });

    suite.services.set('billing', 'healthy');
    await suite.until('billing-down', 'resolved');
    await suite.bench.eventually(
      () => suite.target.said('billing-down'),
      (said) => expect(said).toEqual(['billing 1 firing', 'billing 1 resolved']),
    );
    expect(await suite.types(fired.alert_id)).toEqual([
      'AlertFired',
      'AlertAcknowledged',
      'AlertResolved',
    ]);
    const { deliveries, notices } = await suite.bench.eventually(
      () => suite.get(fired.alert_id),
      (now) =>
        expect(now.deliveries.map(({ status }) => status)).toEqual(['delivered', 'delivered']),
    );
    expect(notices.map(({ kind }) => kind)).toEqual(['resolved', 'fired']);
    expect(deliveries.map(({ receiver_id }) => receiver_id)).toEqual(['on-call', 'on-call']);
    const then = await suite.get(fired.alert_id, { at: fired.fired_position ?? 0 });
    expect(then.alert).toMatchObject({ state: 'firing', episode: 1 });
    expect(then.alert).not.toHaveProperty('acknowledged_at');
  });

  it('wait for as long as their rule says, which is seen, whoever evaluates', async () => {
    suite.services.set('slow', 'unhealthy');
    await suite.rule('slow-down', 'slow', { for_seconds: 3_600 });
    const pending = await suite.until('slow-down', 'pending');
    // The one that evaluates is gone: the other goes on where it was.
    await suite.bench.stopService('health');
    await suite.bench.eventually(
      () => suite.list({ rule_id: 'slow-down' }),
      ({ alerts: [alert] }) => expect(alert?.since).toBe(pending.since),
    );
    await suite.bench.startService('health');
    expect(await suite.types(pending.alert_id)).toEqual([]);
    await suite.say('RemoveAlertRule', 'slow-down', {});
    await suite.bench.eventually(
      () => suite.list({ rule_id: 'slow-down' }),
      ({ counts }) => expect(counts.pending).toBe(0),
    );
  });

  it('are silent for a time, and fire after it', async () => {
    const silence = { service_name: 'stock', minutes: 60, reason: 'it is being moved' };
    const wrong = await refused('StartSilence', '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21', silence);
    const { errors = [] } = wrong.accepted ? {} : wrong.problem;
    const id = /must be (\S+)/.exec(errors[0]?.message ?? '')?.[1] ?? '';
    await suite.say('StartSilence', id, silence);
    await suite.receiver('quiet', 'stock-down');
    await suite.rule('stock-down', 'stock');
    suite.services.set('stock', 'unhealthy');
    const silenced = await suite.until('stock-down', 'silenced');
    expect(silenced).toMatchObject({ silence_id: id, episode: 1 });
    expect(silenced).not.toHaveProperty('fired_at');
    await suite.say('EndSilence', id, {});
    const fired = await suite.until('stock-down', 'firing');
    expect(fired.episode).toBe(1);
    expect(await suite.types(fired.alert_id)).toEqual(['AlertSilenced', 'AlertFired']);
    await suite.bench.eventually(
      () => suite.target.said('stock-down'),
      (said) => expect(said).toEqual(['stock 1 firing']),
    );
    expect(await refused('EndSilence', id, {})).toMatchObject({
      problem: { code: 'silence-over' },
    });
  });

  it('say the same again under the same id when nobody could record that it was said', async () => {
    const cameTo = (place: string) => suite.target.received.filter(({ path }) => path === place);
    suite.target.answer = async ({ path }) => {
      // Between the delivery and its record the database is away.
      if (path === '/forgetful' && cameTo('/forgetful').length === 1)
        await suite.bench.databaseGate.shut();
      return 204;
    };
    await suite.receiver('forgetful', 'shop-down');
    await suite.rule('shop-down', 'shop');
    suite.services.set('shop', 'unhealthy');
    await suite.bench.eventually(
      () => suite.target.said('shop-down', '/forgetful'),
      (said) => expect(said).toHaveLength(1),
    );
    // Whoever delivered it could not record that meanwhile.
    for (const name of ['health', 'other'])
      await suite.bench.eventually(
        () => fetch(`${suite.bench.urlOf(name)}/health/ready`),
        ({ status }) => status === 503,
      );
    await suite.bench.databaseGate.open();
    const told = await suite.bench.eventually(
      () => cameTo('/forgetful'),
      (all) => expect(all.length).toBeGreaterThan(1),
    );
    suite.target.answer = () => 204;
    expect(new Set(told.map(({ deliveryId }) => deliveryId)).size).toBe(1);
    expect(new Set(told.map(({ body }) => body)).size).toBe(1);
    const fired = await suite.until('shop-down', 'firing');
    expect(await suite.types(fired.alert_id)).toEqual(['AlertFired']);
  });

  it('give a receiver up as a fact, and hold nobody else up for it', async () => {
    suite.target.answer = ({ path }) => (path === '/broken' ? 503 : 204);
    await suite.receiver('broken', 'till-down');
    await suite.receiver('sound', 'till-down');
    await suite.rule('till-down', 'till');
    suite.services.set('till', 'unhealthy');
    await suite.bench.eventually(
      () => suite.target.said('till-down', '/sound'),
      (said) => expect(said).toEqual(['till 1 firing']),
    );
    const deliveries = () =>
      suite.bench.answer<{ deliveries: readonly JsonObject[] }>(
        'query.observability.list-alert-deliveries',
        { receiver_id: 'broken' },
      );
    const { deliveries: failing } = await suite.bench.eventually(deliveries, (now) =>
      expect(now.deliveries[0]).toMatchObject({ status: 'prepared', last_reason: 'HTTP 503' }),
    );
    await suite.say('RemoveAlertReceiver', 'broken', {});
    await suite.bench.eventually(deliveries, (now) =>
      expect(now.deliveries[0]).toMatchObject({
        status: 'failed',
        last_reason: 'the receiver was removed',
        delivery_id: failing[0]?.['delivery_id'],
      }),
    );
    suite.target.answer = () => 204;
  });

  it.each([
    ['of metadata', { url: 'http://169.254.169.254/latest' }, 'url'],
    ['of no http', { url: 'ftp://example.com' }, 'url'],
    [
      'with a secret that is not there',
      { secret: { $secret: { ref: 'env:ALERTS_SECRET_NONE' } } },
      'secret.$secret.ref',
    ],
    [
      'with a secret of somebody else',
      { secret: { $secret: { ref: 'env:DATABASE_URL_OBSERVABILITY' } } },
      'secret.$secret.ref',
    ],
  ])('take no receiver %s', async (_, more, field) => {
    const outcome = await refused('PutAlertReceiver', 'wrong', {
      url: suite.target.url,
      secret: { $secret: { ref: 'env:ALERTS_SECRET_TEST' } },
      ...more,
    });
    expect(outcome).toMatchObject({ accepted: false, problem: { errors: [{ field }] } });
    expect(await suite.bench.events('alert-receiver-wrong')).toEqual([]);
  });

  it('are tried with their true outcome', async () => {
    await suite.receiver('tried', 'none');
    const test = () => suite.bench.command('command.observability.TestAlertReceiver.tried', {});
    expect(await test()).toMatchObject({ answer: { is_delivered: true, status: 204 } });
    suite.target.answer = () => 302;
    expect(await test()).toMatchObject({
      answer: {
        is_delivered: false,
        status: 302,
        reason: 'HTTP 302: redirects are not followed',
      },
    });
    suite.target.answer = () => 204;
    const { receivers } = await suite.bench.answer<{ receivers: readonly JsonObject[] }>(
      'query.observability.list-alert-receivers',
    );
    expect(receivers.find(({ receiver_id }) => receiver_id === 'tried')).toMatchObject({
      version: 1,
      last_test: { is_delivered: false, status: 302 },
    });
  });

  it('know who fails with a service, and how bad that is', async () => {
    for (const one of ['a', 'b', 'c']) suite.needsCritically(`${one}-service`, 'ledger');
    suite.needsCritically('d-service', 'a-service');
    await suite.say('PutAlertRule', 'cascading-failure', {
      summary: 'Others fail with it',
      condition: { metric: 'critical_dependents', comparison: 'at_least', threshold: 1 },
      for_seconds: 0,
      severity: 'warning',
      severity_steps: [{ at_least: 3, severity: 'critical' }],
    });
    suite.services.set('ledger', 'unhealthy');
    const fired = await suite.until('cascading-failure', 'firing');
    expect(fired).toMatchObject({ subject: 'ledger', value: 4, severity: 'critical' });
    expect(fired.reason).toContain('a-service, b-service, c-service, d-service');
    const rule = await suite.bench.answer('query.observability.get-alert-rule', {
      rule_id: 'cascading-failure',
    });
    expect(rule).toMatchObject({ is_built_in: true, version: 1 });
    await suite.say('RemoveAlertRule', 'cascading-failure', { expected_version: 1 });
    expect(
      await suite.bench.answer('query.observability.get-alert-rule', {
        rule_id: 'cascading-failure',
      }),
    ).toMatchObject({ is_built_in: true, version: 2, for_seconds: 60 });
  });

  it('are about the processes of the suite too, which say how they are', async () => {
    const condition = (metric: string, service_name: string) => ({
      condition: { metric, comparison: 'at_least', threshold: 0, service_name },
    });
    await suite.rule('memory', 'health', condition('process_memory_bytes', 'other'));
    await suite.rule('queues', 'health', condition('queue_messages', 'other'));
    expect((await suite.until('memory', 'firing')).value).toBeGreaterThan(1_000_000);
    expect((await suite.until('queues', 'firing')).subject).toBe('commands of observability');
  });

  it('are changed by who knows what is there', async () => {
    await suite.rule('mine', 'mine');
    const outcome = await refused('RemoveAlertRule', 'mine', { expected_version: 7 });
    expect(outcome).toMatchObject({
      problem: { code: 'alert-rule-changed', errors: [{ field: 'expected_version' }] },
    });
  });

  it('tell beforehand what a rule would do', async () => {
    suite.services.set('previewed', 'unhealthy');
    const definition = {
      summary: 'x',
      severity: 'info',
      condition: { metric: 'service_down', comparison: 'at_least', threshold: 1 },
    };
    const preview = await suite.bench.answer<JsonObject>('query.observability.preview-alert-rule', {
      ...definition,
      condition: { ...definition.condition, service_name: 'previewed' },
    });
    expect(preview).toMatchObject({
      is_measured: true,
      would_fire: true,
      subjects: [{ subject: 'previewed', value: 1, is_met: true }],
      last_24_hours: { is_known: false },
    });
    const unmeasured = { metric: 'incidents_open', comparison: 'above', threshold: 0 };
    expect(
      await suite.bench.answer('query.observability.preview-alert-rule', {
        ...definition,
        condition: unmeasured,
      }),
    ).toMatchObject({ is_measured: false, would_fire: false, subjects: [] });
  });

  it('are found by what they are, page by page', async () => {
    const all = await suite.list({ limit: 200 });
    const first = await suite.list({ limit: 1, severity: 'critical', state: 'firing' });
    expect(first.alerts).toHaveLength(1);
    expect(first.counts.critical).toBe(
      all.alerts.filter(({ state, severity }) => state === 'firing' && severity === 'critical')
        .length,
    );
    const next = await suite.list({
      limit: 1,
      severity: 'critical',
      state: 'firing',
      cursor: first.next_cursor ?? '',
    });
    expect(next.alerts[0]?.alert_id).not.toBe(first.alerts[0]?.alert_id);
  });

  it('are the same after a rebuild', async () => {
    const { data } = (await suite.bench.bus.query('query.observability.verify-read-model', {
      name: 'observability.alerts',
    })) as { data: object };
    expect(data).toMatchObject({ is_equal: true });
  });
});
