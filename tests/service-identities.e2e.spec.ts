import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  DownbeatService,
  operation,
  secret,
  topic,
  type Configuration,
  type Secret,
  type ServiceEvent,
} from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
import { DeployedNats } from './support/deployed-nats';
import { Suite } from './support/suite';

const EXPECTED: readonly string[] = [
  'registered',
  'nats-connected',
  'configuration-applied',
  'subscribed',
];
const ENVIRONMENT = 'development';
const paid = topic('paid', z.object({ amount: z.number() }));
const charge = operation('charge', {
  input: z.object({ amount: z.number() }),
  output: z.object({ charged: z.number() }),
});
const vault = z.object({ password: secret() });
type Vault = Configuration<{ password: Secret }>;

/** Somebody who has the password of one service, and tries what it is not for. */
class Intruder {
  private readonly violations = new Set<string>();

  private constructor(readonly connection: NatsConnection) {
    void this.watch();
  }

  static async as(url: string): Promise<Intruder> {
    const { username, password, host } = new URL(url);
    const inboxPrefix = `_INBOX.${username}`;
    return new Intruder(
      await connect({ servers: host, user: username, pass: password, inboxPrefix, timeout: 5_000 }),
    );
  }

  /** Whether the server let it be said. */
  async says(subject: string): Promise<boolean> {
    this.connection.publish(subject, '{}');
    return !(await this.isRefused(`publish ${subject}`));
  }

  async hears(subject: string): Promise<boolean> {
    const subscription = this.connection.subscribe(subject, { callback: () => undefined });
    const isRefused = await this.isRefused(`subscription ${subject}`);
    if (!isRefused) subscription.unsubscribe();
    return !isRefused;
  }

  /** The server has spoken of what came before when it answers to a ping. */
  private async isRefused(what: string): Promise<boolean> {
    await this.connection.flush();
    await this.connection.flush();
    return this.violations.has(what);
  }

  private async watch(): Promise<void> {
    for await (const { permissionContext } of this.connection.status())
      if (permissionContext)
        this.violations.add(`${permissionContext.operation} ${permissionContext.subject}`);
  }
}

describe('services with an identity of their own on NATS', () => {
  const nats = new DeployedNats();
  const services: DownbeatService[] = [];
  const intruders: Intruder[] = [];
  let suite: Suite;
  let billing: { service: DownbeatService; vault: Vault };
  let shop: { service: DownbeatService; vault: Vault };
  const valueOf = new Map(
    ['billing', 'shop'].map((name) => [name, `${name}-${randomBytes(8).toString('hex')}`]),
  );

  beforeAll(async () => {
    nats.run(
      'service-identity.mjs',
      'add',
      'billing',
      '--subscribes',
      'paid',
      '--publishes',
      'paid',
    );
    nats.run('service-identity.mjs', 'add', 'shop', '--starts-workflows');
    const key = randomBytes(32).toString('base64');
    suite = await Suite.start({ demo: false, nats, settings: { DOWNBEAT_CONFIG_KEY: key } });
    billing = await started('billing');
    shop = await started('shop');
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await Promise.all(intruders.map(({ connection }) => connection.close()));
    await suite?.stop();
    nats.remove();
  });

  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const { status, body: answer } = await suite.request('POST', path, body);
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const amounts: number[] = [];
  const complaints: ServiceEvent[] = [];
  const started = async (service_name: string) => {
    const service = new DownbeatService({
      onEvent: (event) => {
        if (!EXPECTED.includes(event.type)) complaints.push(event);
      },
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrlOf(`service-${service_name}`),
      service: { service_name, service_version: '1.0.0' },
    });
    services.push(service);
    service.handle(charge, ({ amount }) => ({ charged: amount }));
    if (service_name === 'billing')
      service.subscribe(paid, ({ amount }) => void amounts.push(amount));
    const known = service.configuration(vault);
    await service.start();
    await service.registered;
    const of = `/services/${service_name}/configurations`;
    const sealed = await post(`${of}/${ENVIRONMENT}/seal`, { value: valueOf.get(service_name) });
    const configuration = { password: sealed };
    await post(of, { environment: ENVIRONMENT, config_version: 'one', configuration });
    await post(`${of}/${ENVIRONMENT}/versions/one/activate`, {});
    return { service, vault: known };
  };
  const intruder = async (service: string): Promise<Intruder> => {
    const one = await Intruder.as(suite.natsUrlOf(`service-${service}`));
    intruders.push(one);
    return one;
  };
  const asking = (service_id: string, instance_id: string) => {
    const { publicKey } = generateKeyPairSync('x25519');
    const public_key = publicKey.export({ format: 'jwk' }).x;
    return JSON.stringify({
      input: { service_id, instance_id, environment: ENVIRONMENT, public_key },
    });
  };

  it('have their own configuration, and are seen to run it', async () => {
    for (const [name, { vault: known }] of [
      ['billing', billing],
      ['shop', shop],
    ] as const) {
      expect((await known.known()).password.reveal()).toBe(valueOf.get(name));
      await eventually(
        () =>
          suite.get<{ current_count: number }>(
            `/services/${name}/configurations/${ENVIRONMENT}/instances`,
          ),
        (seen) => expect(seen).toMatchObject({ current_count: 1, total_count: 1 }),
      );
    }
  });

  it('can be called over NATS, and use the topics that they were given', async () => {
    const definition = {
      ...{ name: 'charge-once', version: '1.0.0' },
      steps: [
        {
          ...{ name: 'charge', type: 'service_call', service_name: 'billing' },
          ...{ endpoint: 'nats:service.billing.charge', input_mapping: { amount: 'amount' } },
        },
      ],
    };
    await post('/workflow-definitions', definition);
    const run = await suite.request('POST', '/workflows?wait=20s', {
      ...{ workflow_name: 'charge-once', initiating_service: 'shop' },
      context_data: { amount: 7 },
    });
    expect(run.body).toMatchObject({ workflow: { current_status: 'completed' } });
    await billing.service.publish(paid, { amount: 7 });
    await eventually(
      () => amounts,
      (seen) => expect(seen).toEqual([7]),
    );
    expect(await billing.service.announce('running')).toBe(true);
    // A right that the suite or the SDK misses shows here.
    const violations = readFileSync(suite.natsLogFile, 'utf8').match(/.*violation.*/gi) ?? [];
    // What a slow server makes passes by itself.
    const lasting = complaints.filter(({ type }) => type === 'defect' || type.endsWith('refused'));
    expect([lasting, violations]).toEqual([[], []]);
  });

  it('cannot ask for the configuration of another one', async () => {
    const thief = await intruder('shop');
    const ask = async (subject: string, service: string, instance: string) =>
      (
        await thief.connection.request(subject, asking(service, instance), { timeout: 30_000 })
      ).json<{ ok: boolean; problem?: { code: string } }>();
    const query = 'query.registry.instance-configuration';
    expect(await thief.says(`${query}.billing`)).toBe(false);
    expect(await thief.says(query)).toBe(false);
    expect(await thief.says('query.registry.effective-configuration')).toBe(false);
    const theirs = billing.service.instanceId;
    expect(await ask(`${query}.shop`, 'billing', theirs)).toMatchObject({
      ok: false,
      problem: { code: 'invalid-input' },
    });
    expect((await ask(`${query}.shop`, 'shop', theirs)).ok).toBe(false);
    expect((await ask(`${query}.shop`, 'shop', shop.service.instanceId)).ok).toBe(true);
  });

  it.each([
    'command.registry.AcknowledgeConfiguration.billing.x',
    'command.registry.Heartbeat.billing.x',
    'command.registry.AnnounceLifecycle.billing.x',
    'command.registry.RegisterService.billing',
    'command.registry.RegisterInstance.shop.x',
    'command.health.ReportBreakers.billing.x',
    'command.health.ReportCalls.billing.x',
    'command.observability.RecordCalls.billing.x',
    'command.saga.StartWorkflow.billing.x',
    'command.saga.CancelWorkflow.shop.x',
    'command.messaging.SubscribeService.billing',
    'service.billing.charge',
    'hint.breakers.billing',
    'hint.registry.configuration',
    'event.registry.ServiceAvailable.x',
    'message.normal.paid',
    'broadcast.paid',
    'session.closed',
    '_INBOX.service-billing.x',
    '$JS.API.CONSUMER.MSG.NEXT.message.billing_paid_normal',
    '$JS.ACK.message.billing_paid_normal.1.1.1.1.0',
    '$JS.API.STREAM.DELETE.command-registry',
    '$JS.API.CONSUMER.CREATE.message.shop_paid_normal.message.normal.paid',
  ])('cannot say what is another one’s to say: %s', async (subject) =>
    expect(await (await intruder('shop')).says(subject)).toBe(false),
  );

  it.each([
    ...['service.billing.>', '_INBOX.service-billing.>', '_INBOX.>', '_INBOX.*', 'broadcast.paid'],
    ...['query.registry.*', 'command.>', 'desk.registry', 'message.>', 'session.closed', '>'],
  ])('cannot hear what is another one’s to hear: %s', async (subject) =>
    expect(await (await intruder('shop')).hears(subject)).toBe(false),
  );

  it('can say and hear what is theirs', async () => {
    const [own, other] = [await intruder('billing'), await intruder('shop')];
    for (const subject of [
      ...['message.normal.paid', 'broadcast.paid', 'hint.breakers.billing'],
      'command.registry.Heartbeat.billing.x',
      'command.registry.AnnounceLifecycle.billing.x',
    ])
      expect([subject, await own.says(subject)]).toEqual([subject, true]);
    for (const subject of ['service.billing.>', 'event.>', 'hint.registry.>', 'broadcast.paid'])
      expect([subject, await own.hears(subject)]).toEqual([subject, true]);
    expect(await other.says('command.saga.StartWorkflow.shop.x')).toBe(true);
    expect(await own.says('command.saga.StartWorkflow.billing.x')).toBe(false);
  });

  it('tell of nobody else’s breakers, while hosts may have any name: over NATS and HTTP', async () => {
    const calls = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
    const breakers = [
      {
        service_name: 'shop',
        target_service: 'billing',
        state: 'closed',
        failure_count: 0,
        ...calls,
      },
    ];
    const reports = async (one: Intruder, holder: string, as: string, more: object = {}) => {
      const body = JSON.stringify({ holder, report_no: 1, breakers, ...more });
      const subject = `command.health.ReportBreakers.${as}`;
      const told = await one.connection.request(subject, body, { timeout: 10_000 });
      return told.json<{ accepted: boolean; problem?: { message: string } }>();
    };
    const thief = await intruder('billing');
    expect(await reports(thief, 'billing.x', 'billing.x')).toMatchObject({
      accepted: false,
      problem: { message: expect.stringContaining('must be billing') as string },
    });
    expect(await thief.says('command.health.ReportBreakers.billing%2Ex')).toBe(false);

    const shared = await Intruder.as(suite.natsUrlOf('service'));
    intruders.push(shared);
    // Of a holder of its own that is called like the host: newer than whatever the host will tell.
    const nothing = { report_no: 1_000, breakers: [] };
    const host = 'billing.internal';
    expect(await reports(thief, host, host, nothing)).toMatchObject({ accepted: true });
    expect(await reports(shared, host, 'billing%2Einternal')).toMatchObject({ accepted: true });
    await post('/circuit-breaker-reports', { holder: 'web2.internal', report_no: 1, breakers });
    const known = await eventually(
      () =>
        suite.get<{ circuit_breakers: { id: string; holders: number }[] }>(
          '/circuit-breakers?service_name=shop',
        ),
      ({ circuit_breakers }) => expect(circuit_breakers).toMatchObject([{ holders: 2 }]),
    );
    const { holders } = await suite.get<{ holders: { holder: string }[] }>(
      `/circuit-breakers/${known.circuit_breakers[0]?.id}`,
    );
    expect(holders.map(({ holder }) => holder).sort()).toEqual([
      'billing.internal',
      'web2.internal',
    ]);
  });

  it('have their calls counted, and nobody tells of those of another one', async () => {
    await eventually(
      () => shop.service.directory.serviceOf('billing')?.targets.length,
      (count) => expect(count).toBe(1),
    );
    await shop.service.call('billing', charge, { amount: 7 }, { timeoutMs: 30_000 });
    const thief = await intruder('shop');
    const calls = [
      {
        ...{ source_service: 'billing', target_service: 'shop', protocol: 'http', method: 'GET' },
        ...{ endpoint: '/', minute: new Date().toISOString(), ok: 1, client_errors: 0 },
        ...{ server_errors: 0, unanswered: 0, duration_us: 1_000, durations: { '39': 1 } },
      },
    ];
    const told = await thief.connection.request(
      'command.observability.RecordCalls.shop.x',
      JSON.stringify({ calls }),
      { timeout: 10_000 },
    );
    expect(told.json()).toMatchObject({
      accepted: false,
      problem: { message: expect.stringContaining('must be shop') as string },
    });
    await eventually(
      () =>
        suite.get<{ is_registry_heard: boolean; connections: { source_service: string }[] }>(
          '/observability/service-map',
        ),
      (map) => {
        expect(map.is_registry_heard).toBe(true);
        expect(map.connections.map(({ source_service }) => source_service).sort()).toEqual([
          ...['downbeat-saga', 'shop'],
        ]);
      },
      60_000,
    );
    expect(complaints).not.toContainEqual(expect.objectContaining({ type: 'nats-refused' }));
    expect(complaints).not.toContainEqual(expect.objectContaining({ type: 'defect' }));
  });

  it('are not heard by those who share an identity, nor can these ask as the edge does', async () => {
    const shared = await Intruder.as(suite.natsUrlOf('service'));
    intruders.push(shared);
    expect(await shared.hears('_INBOX.service-billing.>')).toBe(false);
    for (const subject of [
      '_INBOX.service-billing.*.*',
      '_INBOX.gateway.>',
      '_INBOX.*.*',
      '_INBOX.>',
    ])
      expect([subject, await shared.hears(subject)]).toEqual([subject, false]);
    for (const user of ['gateway', 'operator', 'health', 'saga']) {
      const one = await Intruder.as(suite.natsUrlOf(user));
      intruders.push(one);
      expect(await one.says('query.registry.instance-configuration')).toBe(false);
      expect(await one.says('query.registry.instance-configuration.billing')).toBe(false);
    }
  });

  it('come and go while NATS runs', async () => {
    nats.run('service-identity.mjs', 'add', 'late');
    const late = suite.natsUrlOf('service-late');
    await expect(Intruder.as(late)).rejects.toThrow(/Authorization/);
    await suite.reloadNats(nats.config);
    const one = await Intruder.as(late);
    intruders.push(one);
    expect(await one.hears('service.late.>')).toBe(true);
    expect(await one.hears('service.billing.>')).toBe(false);
    expect(nats.run('service-identity.mjs', 'list')).toBe('billing\nlate\nshop\n');
    nats.run('service-identity.mjs', 'remove', 'late');
    expect(() => nats.run('service-identity.mjs', 'show', 'late')).toThrow();
    expect(nats.config).not.toContain('service-late');
    // Those who were there went on.
    expect((await billing.vault.known()).password.reveal()).toBe(valueOf.get('billing'));
  });

  it.each([
    ['a.b'],
    ['*'],
    ['>'],
    ['a b'],
    ['"a"'],
    ['Billing'],
    ['x'.repeat(64)],
    ['fine', '--publishes', '*'],
    ['fine', '--subscribes', 'a.b'],
    ['fine', '--everything'],
  ])('are not made of names that would widen their rights: %s %s %s', (...said) =>
    expect(() => nats.run('service-identity.mjs', 'add', ...said)).toThrow(),
  );

  it('get new passwords with everybody else, and keep them otherwise', () => {
    const before = nats.passwordOf('service-billing');
    nats.run('secrets.mjs');
    nats.run('service-identity.mjs', 'add', 'billing', '--publishes', 'paid');
    expect(nats.passwordOf('service-billing')).toBe(before);
    nats.run('secrets.mjs', 'rotate');
    expect(nats.passwordOf('service-billing')).not.toBe(before);
    expect(nats.config).toContain(nats.passwordOf('service-billing'));
  });
});
