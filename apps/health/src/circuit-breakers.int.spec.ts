import { healthContract, type AnswerOf } from '@downbeat/contracts';
import { derivedId } from '@downbeat/service-host';
import { BreakerBench } from './testing/breaker-bench';

type WhatIf = AnswerOf<typeof healthContract.whatIfBreaker>;

describe('circuit breakers of two replicas of the saga', () => {
  let suite: BreakerBench;
  beforeAll(async () => {
    suite = await BreakerBench.start(['shop', 'stock']);
  });
  afterAll(() => suite?.stop());

  it('open, are tried and close; the API shows why, as it is and as it was', async () => {
    const shop = suite.target('shop');
    shop.status = 503;
    await suite.call('shop', 60);
    const id = await suite.idOf('shop');
    const open = await suite.untilState(id, 'open');
    expect(open.circuit_breaker).toMatchObject({
      service_name: 'downbeat-saga',
      target_service: 'shop',
      endpoint_pattern: '*',
      mode: 'automatic',
      next_attempt_at: expect.any(String),
      last_failure_at: expect.any(String),
    });
    expect((await suite.list({ state: 'open' })).state_summary).toMatchObject({ open: 1 });
    const openedAt = new Date().toISOString();
    shop.status = 200;
    await suite.callUntilClosed('shop');
    const closed = await suite.untilState(id, 'closed');
    expect(closed.circuit_breaker.state_changed_at > open.circuit_breaker.state_changed_at).toBe(
      true,
    );
    const then = await suite.get(id, { at: openedAt });
    expect(then.circuit_breaker.current_state).toBe('open');
    expect((await suite.list({}, { at: openedAt })).state_summary.open).toBe(1);
    const [metricsThen, metricsNow] = [
      await suite.metrics(id, { at: openedAt }),
      await suite.metrics(id),
    ];
    expect(metricsThen.state_history.map(({ to_state }) => to_state)).not.toContain('closed');
    // What the other replica told later, of the same time, is added to it.
    expect(metricsNow.state_history).toEqual(expect.arrayContaining(metricsThen.state_history));
    expect(metricsNow.state_history.at(0)?.cause).toMatchObject({
      kind: 'tripped',
      evidence: { rule: 'time_window' },
    });
  });

  const impatient = { failure_threshold: 3, success_threshold: 1, timeout_duration: 1 };

  it('follow settings, and keep the state they are in', async () => {
    const stock = suite.target('stock');
    const id = await suite.set('stock', impatient);
    await suite.heldByBoth('stock', id);
    expect(await suite.get(id)).toMatchObject({
      circuit_breaker: { failure_threshold: 3, timeout_duration: 1, has_settings: true },
      settings: impatient,
    });
    stock.status = 500;
    await suite.call('stock', 12);
    await suite.untilState(id, 'open');
    await suite.order('Update', id, { ...impatient, timeout_duration: 600 });
    const followed = await suite.until(
      async () => {
        suite.tell();
        return suite.get(id);
      },
      ({ circuit_breaker }) => circuit_breaker.timeout_duration === 600,
    );
    expect(followed.circuit_breaker.current_state).not.toBe('closed');
    stock.status = 200;
    await suite.order('Update', id, impatient);
  });

  it('are reset by order, by all who hold them', async () => {
    const id = await suite.idOf('stock');
    const number = (await suite.get(id)).orders.length;
    await suite.order('Reset', id, { reason: 'the stock was repaired' });
    const reset = await suite.untilDone(id);
    expect(reset.orders).toHaveLength(number + 1);
    expect(reset.orders.at(-1)).toMatchObject({ kind: 'reset', reason: 'the stock was repaired' });
    expect(reset.circuit_breaker.current_state).toBe('closed');
  });

  it('that are forced open let nobody pass until that expires', async () => {
    const stock = suite.target('stock');
    const id = await suite.idOf('stock');
    await suite.heldByBoth('stock', id);
    await suite.untilAllEnded();
    const forced = { mode: 'forced_open', expires_in_seconds: 12, reason: 'it is being moved' };
    await suite.order('Force', id, forced);
    expect((await suite.untilDone(id)).circuit_breaker).toMatchObject({
      current_state: 'open',
      mode: 'forced_open',
    });
    const before = stock.calls;
    await suite.call('stock', 6);
    const reset = await suite.bench.command(`command.health.ResetCircuitBreaker.${id}`, {
      reason: 'too soon',
    });
    expect(reset).toMatchObject({ accepted: false, problem: { code: 'breaker-forced' } });
    expect(stock.calls).toBe(before);
    await suite.until(
      async () => stock.calls,
      (calls) => calls === before + 6,
    );
    const { state_history } = (await suite.untilState(id, 'closed')) && (await suite.metrics(id));
    const triggers = state_history.map(({ trigger }) => trigger);
    expect(triggers).toContainEqual(expect.stringContaining('it is being moved'));
    expect(triggers).toContainEqual(expect.stringMatching(/^what was forced expired/));
  });

  it('that are forced closed let everybody pass, and released decide for themselves', async () => {
    const stock = suite.target('stock');
    const id = await suite.idOf('stock');
    await suite.heldByBoth('stock', id);
    await suite.untilAllEnded();
    const forced = { mode: 'forced_closed', expires_in_seconds: 600, reason: 'let me see' };
    await suite.order('Force', id, forced);
    await suite.untilDone(id);
    const { orders } = await suite.policies();
    // What was ordered before it may still stand: a reset, which has no end.
    const secondsLeft = orders.findLast(({ breaker_id }) => breaker_id === id)?.seconds_left;
    expect(secondsLeft).toBeGreaterThan(500);
    expect(secondsLeft).toBeLessThanOrEqual(600);
    stock.status = 500;
    const before = stock.calls;
    await suite.call('stock', 20);
    await suite.until(
      async () => stock.calls,
      (calls) => calls === before + 20,
    );
    await suite.order('Release', id, { reason: 'I have seen' });
    await suite.untilDone(id);
    await suite.call('stock', 10);
    await suite.untilState(id, 'open');
    stock.status = 200;
    await suite.callUntilClosed('stock');
    await suite.untilState(id, 'closed');
  });

  it('go on without the health context, which hears everything later', async () => {
    const stock = suite.target('stock');
    const id = await suite.idOf('stock');
    await suite.heldByBoth('stock', id);
    await suite.bench.stopService('health');
    const downAt = new Date().toISOString();
    stock.status = 500;
    await suite.call('stock', 12);
    await suite.until(
      () => suite.stateInSaga('stock'),
      (state) => state !== 'closed',
    );
    stock.status = 200;
    await suite.callUntilClosed('stock');
    const upAt = new Date().toISOString();
    await suite.bench.startService('health');
    const { state_history } = await suite.until(
      () => suite.metrics(id),
      ({ state_history: seen }) => {
        const meanwhile = seen.filter(({ timestamp }) => timestamp > downAt && timestamp < upAt);
        const states = meanwhile.map(({ to_state }) => to_state);
        return ['open', 'half_open', 'closed'].every((state) => states.includes(state as never));
      },
    );
    // Each holder's own: every change begins where the one before ended.
    for (const holder of new Set(state_history.map((one) => one.holder))) {
      const own = state_history.filter((one) => one.holder === holder);
      own.slice(1).forEach(({ from_state }, at) => expect(from_state).toBe(own[at]?.to_state));
    }
  });

  it('lose nothing with the streams of the bus', async () => {
    const stock = suite.target('stock');
    const id = await suite.idOf('stock');
    await suite.heldByBoth('stock', id);
    const before = (await suite.metrics(id)).metrics.state_changes_24h;
    await suite.bench.stopService('health');
    stock.status = 500;
    await suite.call('stock', 12);
    await suite.until(
      () => suite.stateInSaga('stock'),
      (state) => state !== 'closed',
    );
    stock.status = 200;
    await suite.callUntilClosed('stock');
    await suite.bench.loseStreams();
    await suite.bench.startService('health');
    await suite.until(
      () => suite.metrics(id),
      ({ metrics }) => metrics.state_changes_24h >= before + 3,
    );
  });

  it('follow what is said of any service, unless somebody has said more', async () => {
    const shop = await suite.idOf('shop');
    const key = { service_name: '*', target_service: '*', endpoint_pattern: '*' };
    const any = derivedId(healthContract.createCircuitBreaker, key);
    const general = { ...impatient, failure_threshold: 7 };
    const rule = `command.health.CreateCircuitBreaker.${any}`;
    await suite.bench.accepted(rule, { ...key, ...general });
    await suite.heldByBoth('shop', any);
    expect((await suite.get(shop)).circuit_breaker).toMatchObject({
      failure_threshold: 7,
      has_settings: false,
    });
    const stock = await suite.get(await suite.idOf('stock'));
    expect(stock.circuit_breaker).toMatchObject({ failure_threshold: 3, has_settings: true });

    const forced = { mode: 'metrics_only', expires_in_seconds: 600, reason: 'trying it' };
    await suite.order('Force', any, forced);
    await suite.untilDone(any);
    expect((await suite.get(shop)).circuit_breaker.mode).toBe('metrics_only');
    await suite.order('Release', any, { reason: 'tried' });
    await suite.untilDone(any);
    await suite.bench.accepted(`command.health.RemoveCircuitBreaker.${any}`);
    await suite.bench.accepted('command.health.PutBreakerDefaults.all', {
      ...impatient,
      failure_threshold: 9,
    });
    await suite.until(
      async () => {
        await suite.call('shop', 4);
        suite.tell();
        return suite.get(shop);
      },
      ({ circuit_breaker }) => circuit_breaker.failure_threshold === 9,
    );
    const defaults = { ...impatient, failure_threshold: 9 };
    expect(await suite.bench.answer('query.health.breaker-defaults')).toEqual({ defaults });
    const position = await suite.bench.accepted('command.health.RemoveBreakerDefaults.all');
    const as = { min_position: position };
    expect(await suite.bench.answer('query.health.breaker-defaults', {}, as)).toEqual({});
  });

  it('are set by what makes sense only, and each by its own id', async () => {
    const id = await suite.idOf('stock');
    const refused = async (command: string, of: string, body: object) =>
      suite.bench.command(`command.health.${command}.${of}`, body as never);
    const key = { service_name: 'downbeat-saga', target_service: 'venue', endpoint_pattern: '*' };
    expect(await refused('CreateCircuitBreaker', id, { ...key, ...impatient })).toMatchObject({
      problem: { errors: [{ field: 'breaker_id', message: expect.stringContaining('must be') }] },
    });
    const senseless = { ...impatient, policy: { open_seconds_max: 0.5 } };
    expect(await refused('UpdateCircuitBreaker', id, senseless)).toMatchObject({
      problem: { errors: [{ field: 'policy.open_seconds_max' }] },
    });
    const other = { ...impatient, failure_threshold: 4 };
    const again = { ...key, target_service: 'stock', ...other };
    expect(await refused('CreateCircuitBreaker', id, again)).toMatchObject({
      problem: { code: 'breaker-exists', kind: 'conflict' },
    });
    const nobody = derivedId(healthContract.createCircuitBreaker, key);
    expect(await refused('ResetCircuitBreaker', nobody, { reason: 'r' })).toMatchObject({
      problem: { code: 'breaker-unknown', kind: 'not-found' },
    });
  });

  it('say what they would have done with other settings, and are not moved by that', async () => {
    const id = await suite.idOf('stock');
    const whatIf = (settings: object) =>
      suite.bench.answer<WhatIf>('query.health.what-if-breaker', {
        breaker_id: id,
        ...impatient,
        ...settings,
      });
    const before = await suite.get(id);
    const patient = await whatIf({ failure_threshold: 1_000 });
    expect(patient.recorded.openings).toBeGreaterThan(0);
    expect(patient.recorded.failures).toBe(suite.target('stock').failed);
    expect(patient.simulated).toEqual({
      openings: 0,
      open_seconds: 0,
      refused_calls: 0,
      refused_failures: 0,
    });
    const hasty = await whatIf({ failure_threshold: 1, timeout_duration: 600 });
    expect(hasty.simulated.openings).toBeGreaterThan(0);
    expect(hasty.simulated.refused_failures).toBeGreaterThan(0);
    expect(hasty.resolution).toMatchObject({ interval_seconds: 60, is_complete: true });
    expect((await suite.get(id)).holders).toEqual(before.holders);
  });

  it('count every call once', async () => {
    for (const name of ['shop', 'stock']) {
      const id = await suite.idOf(name);
      const { metrics, failure_patterns } = await suite.until(
        async () => {
          suite.tell();
          return suite.metrics(id);
        },
        (seen) => seen.metrics.total_requests_24h >= suite.target(name).calls,
      );
      expect(metrics.total_requests_24h).toBe(suite.target(name).calls);
      expect(metrics.failed_requests_24h).toBe(suite.target(name).failed);
      expect(metrics.average_failure_duration_minutes).toBeGreaterThan(0);
      expect(failure_patterns.reduce((sum, hour) => sum + hour.total_requests, 0)).toBe(
        metrics.total_requests_24h,
      );
    }
  });

  it('are the same after a rebuild', async () => {
    const { data } = (await suite.bench.bus.query('query.health.verify-read-model', {
      name: 'health.breakers',
    })) as { data: object };
    expect(data).toMatchObject({ is_equal: true });
  });
});
