import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { auditContract, observabilityContract, type AnswerOf } from '@downbeat/contracts';
import { eventually, HttpListener } from '@downbeat/test-bench';
import { startParticipant, type ParticipantProcess } from '@downbeat/wedding';
import { DeployedNats } from './support/deployed-nats';
import { Suite } from './support/suite';

jest.setTimeout(240_000);

type List = AnswerOf<typeof observabilityContract.listAlerts>;
type Details = AnswerOf<typeof observabilityContract.getAlert>;
type Rules = AnswerOf<typeof observabilityContract.listAlertRules>;
type Replayed = AnswerOf<typeof auditContract.replay>;

const WAIT_MS = 60_000;
const SECRET = 'as the pager knows it';
const RULE = 'venue-down';

interface Told {
  readonly id: string;
  readonly isSigned: boolean;
  readonly kind: string;
  readonly alerts: readonly { readonly rule_id: string; readonly state: string }[];
}

/**
 * Goal: what breaks is told, once, to who asked for it, and the log can prove it.
 * Method: a service of the demo is killed and comes back; a pager on this machine; real servers, with the
 * rights on NATS that are deployed.
 */
describe('alerts, in the suite as it runs', () => {
  let suite: Suite;
  let pager: HttpListener;
  let venue: ParticipantProcess | undefined;
  const told: Told[] = [];
  const nats = new DeployedNats();

  beforeAll(async () => {
    pager = await HttpListener.start((request, response) => {
      void text(request).then((body) => {
        const { headers } = request;
        const signed = `${String(headers['downbeat-timestamp'])}.${body}`;
        const signature = createHmac('sha256', SECRET).update(signed).digest('hex');
        told.push({
          ...(JSON.parse(body) as Pick<Told, 'kind' | 'alerts'>),
          id: String(headers['downbeat-delivery']),
          isSigned: headers['downbeat-signature'] === `sha256=${signature}`,
        });
        response.writeHead(204).end();
      });
    });
    suite = await Suite.start({
      demo: false,
      settings: { ALERTS_EVERY_MS: '500', ALERTS_SECRET_PAGER: SECRET },
      nats,
    });
    venue = await startVenue();
    await eventually(
      () => suite.get<{ status: string }>('/health/services/venue').catch(() => undefined),
      (health) => expect(health?.status).toBe('healthy'),
      WAIT_MS,
    );
  });
  afterAll(async () => {
    await venue?.stop('SIGKILL');
    await suite?.stop();
    await pager?.stop();
    nats.remove();
  });

  const startVenue = (): Promise<ParticipantProcess> =>
    startParticipant('venue', {
      dataDir: join(suite.dir, 'demo-data'),
      gatewayUrl: suite.gatewayUrl,
    });
  const send = async (method: string, path: string, body: object = {}) => {
    const answer = await suite.request(method, path, body);
    if (answer.status !== 202) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const alerts = () => suite.get<List>(`/alerts?rule_id=${RULE}`);
  const inState = (state: string) =>
    eventually(alerts, ({ alerts: [one] }) => expect(one?.state).toBe(state), WAIT_MS);
  /** A delivery whose answer came late comes again under its id: it says nothing new. */
  const toldOnce = () => [...new Map(told.map((one) => [one.id, one])).values()];
  const toldOfVenue = () =>
    toldOnce().flatMap(({ alerts: some }) => some.filter(({ rule_id }) => rule_id === RULE));
  const toldSo = (...states: readonly string[]) =>
    eventually(
      () => toldOfVenue().map(({ state }) => state),
      (said) => expect(said).toEqual(states),
      WAIT_MS,
    );

  it('are there from the start, and everybody they are about is heard', async () => {
    const { rules } = await suite.get<Rules>('/alert-rules');
    expect(rules.filter(({ is_built_in }) => is_built_in).length).toBeGreaterThan(15);
    const preview = { summary: 'x', severity: 'info' };
    for (const metric of [
      'process_memory_bytes',
      'queue_messages',
      'dead_letters',
      'incidents_open',
      'runs_overdue',
    ])
      await eventually(
        () =>
          suite.request('POST', '/alert-rules/preview', {
            ...preview,
            condition: { metric, comparison: 'at_least', threshold: 0 },
          }),
        ({ body }) => expect({ metric, ...body }).toMatchObject({ metric, is_measured: true }),
        WAIT_MS,
      );
    const memory = { metric: 'process_silent_seconds', comparison: 'below', threshold: 20 };
    await eventually(
      () => suite.request('POST', '/alert-rules/preview', { ...preview, condition: memory }),
      ({ body }) => expect(body['subjects']).toHaveLength(5),
      WAIT_MS,
    );
  });

  it('fire when a service is gone, are told, acknowledged, and resolve when it is back', async () => {
    await send('PUT', '/alert-receivers/pager', {
      url: `${pager.url}/alerts`,
      secret: { $secret: { ref: 'env:ALERTS_SECRET_PAGER' } },
      rule_ids: [RULE],
    });
    await eventually(
      () => send('POST', '/alert-receivers/pager/test'),
      (said) => expect(said).toMatchObject({ is_delivered: true, status: 204 }),
    );
    await send('PUT', `/alert-rules/${RULE}`, {
      summary: 'Nobody can hold a hall',
      condition: {
        metric: 'service_down',
        comparison: 'at_least',
        threshold: 1,
        service_name: 'venue',
      },
      for_seconds: 1,
      severity: 'critical',
      runbook: 'docs/alerts.md#service-down',
    });
    await venue?.stop('SIGKILL');
    const [fired] = (await inState('firing')).alerts;
    await toldSo('firing');
    expect(told.every(({ isSigned }) => isSigned)).toBe(true);
    const view = await fetch(`${suite.gatewayUrl}${fired?.links.view ?? ''}`);
    expect(await view.json()).toMatchObject({ service_name: 'venue', status: 'unhealthy' });

    await send('POST', `/alerts/${fired?.alert_id ?? ''}/acknowledge`, { note: 'mine' });
    venue = await startVenue();
    await inState('resolved');
    await toldSo('firing', 'resolved');
    const details = await eventually(
      () => suite.get<Details>(`/alerts/${fired?.alert_id ?? ''}`),
      ({ deliveries }) =>
        expect(deliveries.map(({ status }) => status)).toEqual(['delivered', 'delivered']),
      WAIT_MS,
    );
    expect(details.alert).toMatchObject({ state: 'resolved', acknowledged_note: 'mine' });
    const then = await suite.get<Details>(
      `/alerts/${fired?.alert_id ?? ''}?at=${fired?.fired_position ?? 0}`,
    );
    expect(then.alert.state).toBe('firing');
  });

  it('are decided again by an audit, and found in the log', async () => {
    const {
      alerts: [alert],
    } = await alerts();
    const { deliveries } = await suite.get<Details>(`/alerts/${alert?.alert_id ?? ''}`);
    const streams = [
      `alert-${alert?.alert_id ?? ''}`,
      `alert-rule-${RULE}`,
      'alert-receiver-pager',
      `alert-delivery-${deliveries[0]?.delivery_id ?? ''}`,
    ];
    for (const stream of streams) {
      const { body } = await suite.request<Replayed>('POST', '/audit/replay', { stream });
      const [replayed] = body.streams;
      expect({ stream, difference: replayed?.first_difference }).toEqual({ stream });
      expect(replayed?.decisions_compared).toBeGreaterThan(0);
    }
    const verified = await suite.request('POST', '/audit/verify', {
      read_model: 'observability.alerts',
    });
    expect(verified.status).toBe(200);
  });

  it('are not sent to where nothing may be sent', async () => {
    const { status, body } = await suite.request('PUT', '/alert-receivers/metadata', {
      url: 'http://169.254.169.254/latest/meta-data',
      secret: { $secret: { ref: 'env:ALERTS_SECRET_PAGER' } },
    });
    expect({ status, ...body }).toMatchObject({ status: 400, errors: [{ field: 'url' }] });
  });
});
