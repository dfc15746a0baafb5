import { text } from 'node:stream/consumers';
import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import { HttpListener, TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from '../observability.module';
import { Dispatcher } from './webhooks/dispatcher';
import { Webhooks } from './webhooks/webhooks';

jest.setTimeout(180_000);

type List = AnswerOf<typeof observabilityContract.listAlerts>;
type Alert = List['alerts'][number];
interface Told {
  readonly delivery_id: string;
  readonly alerts: readonly Partial<Record<keyof Alert | 'at' | 'position', unknown>>[];
}

const WAIT_MS = 60_000;

describe('what receivers are owed', () => {
  let bench: TestBench;
  let pager: HttpListener;
  const told: Told[] = [];
  const bodies: string[] = [];
  const down = new Set<string>();
  let answer: () => number = () => 204;

  beforeAll(async () => {
    pager = await HttpListener.start((request, response) => {
      void text(request).then((body) => {
        bodies.push(body);
        told.push(JSON.parse(body) as Told);
        response.writeHead(answer()).end();
      });
    });
    bench = await TestBench.start({
      services: [{ name: 'health', module: ObservabilityModule }],
      environment: { ALERTS_EVERY_MS: '100', ALERTS_PROCESSES: '', ALERTS_SECRET_TEST: 'a key' },
    });
    const components = () =>
      Object.fromEntries(
        ['crash', 'crash-later', 'order'].map((name) => [
          name,
          { status: down.has(name) ? 'unhealthy' : 'healthy', unhealthy_instances: 0 },
        ]),
      );
    bench.bus.answer('query.health.list-circuit-breakers', () =>
      Promise.resolve({ ok: true, position: 0, data: { circuit_breakers: [] } }),
    );
    bench.bus.answer('query.registry.dependency-graph', () =>
      Promise.resolve({ ok: true, position: 0, data: { dependencies: [] } }),
    );
    bench.bus.answer('query.health.system-health', () =>
      Promise.resolve({ ok: true, position: 0, data: { components: components() } }),
    );
    await bench.accepted('command.observability.PutAlertReceiver.on-call', {
      url: pager.url,
      secret: { $secret: { ref: 'env:ALERTS_SECRET_TEST' } },
      rule_ids: ['crash', 'crash-later', 'order'],
    });
  });
  beforeEach(() => {
    told.length = 0;
    bodies.length = 0;
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await bench?.stop();
    await pager?.stop();
  });

  const rule = (service_name: string) =>
    bench.accepted(`command.observability.PutAlertRule.${service_name}`, {
      summary: `${service_name} is down`,
      condition: { metric: 'service_down', comparison: 'at_least', threshold: 1, service_name },
      for_seconds: 0,
      severity: 'critical',
    });
  const until = async (rule_id: string, state: Alert['state']): Promise<Alert> => {
    const { alerts } = await bench.eventually(
      () => bench.answer<List>('query.observability.list-alerts', { rule_id }),
      ({ alerts: [one] }) => expect(one?.state).toBe(state),
      WAIT_MS,
    );
    return alerts[0] as Alert;
  };
  const saidOf = (id: string) =>
    told.flatMap(({ alerts }) => alerts.filter(({ alert_id }) => alert_id === id));
  const prepared = () =>
    bench.rows(`select 1 from log.event where type = 'WebhookPrepared' and data::text like $1`, [
      '%on-call%',
    ]);
  /** What the receiver is told in the end, of an alert that fired while its process died. */
  const toldAfterAll = async (fired: Alert) => {
    await bench.eventually(
      () => saidOf(fired.alert_id),
      (said) => expect(said.length).toBeGreaterThanOrEqual(1),
      WAIT_MS,
    );
    const { alert_id, episode, rule_id, summary, severity, metric, subject, reason, links } = fired;
    expect(saidOf(alert_id)[0]).toEqual({
      ...{ alert_id, episode, rule_id, summary, severity, metric, subject, reason, links },
      ...{ state: 'firing', service_name: subject, value: 1, since: fired.since },
      ...{ at: fired.fired_at, position: fired.fired_position },
    });
    // However often it comes, it is one and the same.
    const about = bodies.filter((body) => body.includes(alert_id));
    expect(new Set(about).size).toBe(1);
  };

  it('is told after a crash between the alert and what was to be sent', async () => {
    // This life of the process fires, and ends before anything is sent.
    const send = jest.spyOn(Dispatcher.prototype, 'start').mockReturnValue(undefined);
    await bench.restart('health');
    const before = await prepared();
    await rule('crash');
    down.add('crash');
    const fired = await until('crash', 'firing');
    await bench.stopService('health');
    expect(await prepared()).toEqual(before);
    expect(told).toEqual([]);

    send.mockRestore();
    await bench.startService('health');
    await toldAfterAll(fired);
  });

  it('is told after a crash between what was to be sent and its sending', async () => {
    const send = jest
      .spyOn(Webhooks.prototype, 'send')
      .mockRejectedValue(new Error('the process ends here'));
    const before = (await prepared()).length;
    await rule('crash-later');
    down.add('crash-later');
    const fired = await until('crash-later', 'firing');
    await bench.eventually(prepared, (now) => expect(now.length).toBe(before + 1), WAIT_MS);
    await bench.stopService('health');
    expect(saidOf(fired.alert_id)).toEqual([]);

    send.mockRestore();
    await bench.startService('health');
    await toldAfterAll(fired);
  });

  it('is told in the order it happened, of one alert', async () => {
    let isOver = false;
    answer = () => (isOver ? 204 : 503);
    await rule('order');
    down.add('order');
    const { alert_id } = await until('order', 'firing');
    const states = () => saidOf(alert_id).map(({ state }) => state);
    await bench.eventually(states, (said) => expect(said).toContain('firing'), WAIT_MS);
    // The beginning could not be said yet, and is over by now.
    down.delete('order');
    await until('order', 'resolved');
    isOver = true;
    await bench.eventually(states, (said) => expect(said).toContain('resolved'), WAIT_MS);
    expect(states().indexOf('resolved')).toBe(states().length - 1);
    expect(states().filter((state) => state === 'firing').length).toBeGreaterThan(1);
  });
});
