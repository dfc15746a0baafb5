import { connectDownbeat, type DownbeatConnection } from './connection';
import { GatewayClient, GatewayUnreachable } from './gateway-client';
import type { ConnectionEvent, ConnectionOptions } from './options';
import { FakeNats } from '../calls/telling/testing/fake-link';

const HEARTBEAT = 'command.registry.Heartbeat.billing.1';
const accepted = { accepted: true, position: 7, data: {} };
const refused = (code: string) => ({
  accepted: false,
  problem: { code, message: 'no', kind: 'not-found' },
});

let nats: FakeNats;
/** What was said in the last registration of the instance, and the keys of all of them. */
let registered: Record<string, unknown>;
let keys: string[];
/** Calls of the gateway, which answers nobody when it is frozen. */
let posted: string[];
let isFrozen: boolean;
let events: ConnectionEvent[];
/** What the gateway answers to who says what the service is. */
let standing: string;
/** The same to who registers an instance, when it is not the same. */
let atInstance: string | undefined;
/** A field that this suite refuses, as it does not know it. */
let unknown: string | undefined;
let connection: DownbeatConnection;

beforeEach(async () => {
  jest.useFakeTimers();
  [nats, posted, events, isFrozen, standing] = [new FakeNats(), [], [], false, '{}'];
  [atInstance, unknown, registered, keys] = [undefined, undefined, {}, []];
  nats.answer = () => accepted;
  jest.spyOn(GatewayClient.prototype, 'call').mockImplementation((call) => {
    const { method, path, timeoutMs } = call;
    const asked = (call.body ?? {}) as Record<string, unknown>;
    posted.push(`${method} ${path}`);
    if (path.endsWith('/instances')) {
      registered = call.body as Record<string, unknown>;
      keys.push(call.idempotencyKey);
    }
    const body = path.endsWith('/instances') ? (atInstance ?? standing) : standing;
    const isWrong = unknown !== undefined && asked[unknown] !== undefined;
    if (isWrong) return Promise.resolve(wrongBy(unknown));
    const status = body === 'away' ? 503 : 202;
    if (!isFrozen) return Promise.resolve({ status, body, retryAfterMs: undefined });
    return new Promise((_, reject) =>
      setTimeout(() => reject(new GatewayUnreachable('timed out')), timeoutMs),
    );
  });
  connection = connect();
  await connection.registered;
  posted.length = 0;
});

const wrongBy = (field = '') => ({
  status: 400,
  body: JSON.stringify({ status: 400, errors: [{ field, message: 'is not a known field' }] }),
  retryAfterMs: undefined,
});

const connect = (more: Partial<ConnectionOptions> = {}): DownbeatConnection => {
  const service = { service_name: 'billing', service_version: '1.0.0' };
  return connectDownbeat(
    {
      gatewayUrl: 'http://127.0.0.1:9',
      service: {
        ...service,
        service_type: 'api',
        deployment_environment: 'development',
        dependencies: [],
      },
      instance: { instance_id: 'billing.1', ip_address: '127.0.0.1', port: 3_000 },
      heartbeatMs: 1_000,
      stopTimeoutMs: 500,
      onEvent: (event) => void events.push(event),
      ...more,
    },
    nats.link(),
  );
};
afterEach(async () => {
  const stopped = connection.stop();
  await jest.advanceTimersByTimeAsync(1_000);
  await stopped;
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const beats = () => nats.asked.filter(({ subject }) => subject === HEARTBEAT);

describe('heartbeats', () => {
  it('go over NATS, so that nobody misses the gateway', async () => {
    isFrozen = true;
    await pass(10_000);
    expect(beats().length).toBeGreaterThanOrEqual(8);
    expect(beats()[0]?.body).toEqual({
      service_id: 'billing',
      instance_id: 'billing.1',
      resource_usage: { cpu_percent: expect.any(Number), memory_mb: expect.any(Number) },
    });
    const ids = beats().map(({ headers }) => headers['Downbeat-Message-Id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect([posted, events.map(({ type }) => type)]).toEqual([[], ['registered']]);
  });

  it('leave nothing waiting behind them, however long it may be silent', async () => {
    const instance = { instance_id: 'billing.1', ip_address: '127.0.0.1', port: 3_000 };
    const patient = connect({ instance: { ...instance, heartbeat_ttl_ms: 600_000 } });
    await pass(2_500);
    const waiting = jest.getTimerCount();
    await pass(30_000);
    expect(jest.getTimerCount()).toBe(waiting);
    await patient.stop();
  });

  it.each([
    ['there is no NATS', () => void (nats.isAway = true)],
    ['nobody answers there', () => void (nats.isFrozen = true)],
  ])('go over the gateway while %s', async (_, lose) => {
    lose();
    await pass(5_000);
    const path = '/services/billing/instances/billing.1/heartbeat';
    expect(posted.length).toBeGreaterThanOrEqual(3);
    expect(new Set(posted)).toEqual(new Set([`POST ${path}`]));
  });

  it('register the instance anew when it is said over NATS that nobody knows it', async () => {
    let isKnown = false;
    nats.answer = () => {
      const answer = isKnown ? accepted : refused('instance-unknown');
      isKnown = true;
      return answer;
    };
    await pass(2_000);
    expect(posted).toEqual(['POST /services/billing/instances']);
    expect(events.map(({ type }) => type)).toEqual([
      'registered',
      'heartbeat-failed',
      'registered',
    ]);
  });

  it('go on while the gateway cannot be told of another connection to NATS', async () => {
    isFrozen = true;
    nats.reconnect();
    await pass(1);
    const times: number[] = [];
    nats.answer = () => {
      times.push(performance.now());
      return accepted;
    };
    const since = performance.now();
    await pass(30_000);
    const gaps = times.map((at, nth) => at - (times[nth - 1] ?? since));
    // What was promised is a heartbeat every 3 s.
    expect(Math.max(...gaps)).toBeLessThan(3_000);
    expect(times.length).toBeGreaterThan(9);
    isFrozen = false;
    await pass(3_000);
    expect(events.at(-1)).toMatchObject({ type: 'registered' });
  });

  it('do not keep it from stopping in time', async () => {
    nats.isFrozen = true;
    while (beats().length === 0) await pass(10);
    const stopped = connection.stop();
    await pass(10);
    expect(events.at(-1)).toMatchObject({ type: 'deregistered' });
    await stopped;
  });
});

describe('what the service is', () => {
  const saidAgain = () => posted.filter((call) => call === 'POST /services').length;
  const outdated = () => events.filter(({ type }) => type === 'outdated');
  const standingOf = (service_version: string) =>
    JSON.stringify({ position: 7, service_id: 'billing', service_version });
  /** One that starts while another version is said to describe its service. */
  const startUnder = async (version: string) => {
    await connection.stop();
    standing = standingOf(version);
    connection = connect();
    await connection.registered;
    posted.length = 0;
  };

  it('is said once, and not again when it is taken', async () => {
    await startUnder('1.0.0');
    await pass(300_000);
    expect([saidAgain(), outdated()]).toEqual([0, []]);
  });

  it('is said again until nobody runs the newer version that stands', async () => {
    await startUnder('2.0.0');
    expect(outdated()).toEqual([{ type: 'outdated', registeredVersion: '2.0.0' }]);
    await pass(20_000);
    expect(saidAgain()).toBe(0);
    await pass(80_000);
    expect(saidAgain()).toBeGreaterThanOrEqual(2);
    expect(outdated()).toHaveLength(1);
    standing = standingOf('1.0.0');
    await pass(60_000);
    const until = saidAgain();
    await pass(300_000);
    expect([saidAgain(), outdated().length]).toEqual([until, 1]);
  });

  it('is said again when it could not be heard, and the heartbeats go on', async () => {
    await startUnder('2.0.0');
    isFrozen = true;
    nats.asked.length = 0;
    await pass(100_000);
    expect(saidAgain()).toBeGreaterThanOrEqual(2);
    expect(beats().length).toBeGreaterThan(80);
    expect(outdated()).toHaveLength(1);
  });

  it('is said again when an older version was taken before the instance was there', async () => {
    atInstance = standingOf('0.9.0');
    await startUnder('1.0.0');
    expect(outdated()).toEqual([{ type: 'outdated', registeredVersion: '0.9.0' }]);
    await pass(60_000);
    expect(saidAgain()).toBe(1);
  });

  it('is not said again for a lost connection, when the registry names no version to it', async () => {
    atInstance = JSON.stringify({ position: 9, service_id: 'billing', instance_id: 'billing.1' });
    await startUnder('1.0.0');
    nats.reconnect();
    await pass(300_000);
    expect(posted).toContain('POST /services/billing/instances');
    expect([saidAgain(), outdated()]).toEqual([0, []]);
  });

  it('is not said by an outdated instance that the suite does not take any more', async () => {
    await startUnder('2.0.0');
    // Its service was retired, and what it says would bring that back.
    nats.answer = () => refused('service-retired');
    await pass(100_000);
    expect(events.at(-1)).toMatchObject({ type: 'heartbeat-failed' });
    expect(saidAgain()).toBe(0);
    nats.answer = () => accepted;
    await pass(10_000);
    expect(saidAgain()).toBe(1);
  });

  it('is told of again when yet another version stands', async () => {
    await startUnder('2.0.0');
    standing = standingOf('2.1.0');
    await pass(60_000);
    expect(outdated().at(-1)).toEqual({ type: 'outdated', registeredVersion: '2.1.0' });
  });
});

describe('how far an instance has come', () => {
  const ANNOUNCEMENT = 'command.registry.AnnounceLifecycle.billing.1';
  const said = () =>
    nats.asked
      .filter(({ subject }) => subject === ANNOUNCEMENT)
      .map(({ body }) => (body as { lifecycle: string }).lifecycle);
  const types = () => events.map(({ type }) => type);

  it('is said at once over NATS, and once', async () => {
    expect(await connection.announce('initializing', 'warms its cache')).toBe(true);
    expect(nats.asked.at(-1)?.body).toEqual({
      ...{ service_id: 'billing', instance_id: 'billing.1' },
      ...{ lifecycle: 'initializing', detail: 'warms its cache' },
    });
    await pass(5_000);
    expect([said(), posted]).toEqual([['initializing'], []]);
  });

  it('is said over the gateway without NATS, and again until somebody hears it', async () => {
    nats.isAway = true;
    expect(await connection.announce('starting')).toBe(true);
    expect(posted).toEqual(['PUT /services/billing/instances/billing.1/lifecycle']);
    isFrozen = true;
    const announced = connection.announce('running');
    await pass(2_000);
    expect(await announced).toBe(false);
    [nats.isAway, isFrozen] = [false, false];
    await pass(5_000);
    expect(said()).toEqual(['running']);
    expect(types().filter((type) => type === 'registered')).toHaveLength(1);
  });

  it('is said anew after each registration: one that begins anew has come nowhere', async () => {
    await connection.announce('running');
    let isKnown = false;
    nats.answer = () => {
      const answer = isKnown ? accepted : refused('instance-unknown');
      isKnown = true;
      return answer;
    };
    await pass(3_000);
    expect(said()).toEqual(['running', 'running']);
  });

  it('is told of, and given up, when the suite refuses it', async () => {
    nats.answer = ({ subject }) =>
      subject === ANNOUNCEMENT ? refused('lifecycle-goes-forward') : accepted;
    expect(await connection.announce('starting')).toBe(false);
    expect(events.at(-1)).toEqual({ type: 'stage-refused', stage: 'starting', reason: 'no' });
    await pass(5_000);
    expect(types().filter((type) => type === 'stage-refused')).toHaveLength(1);
    expect(said()).toEqual(['starting']);
  });

  it('is part of the registration when it was said before, so that no check comes first', async () => {
    await connection.stop();
    connection = connect({ stage: { lifecycle: 'initializing', detail: 'warms its cache' } });
    await connection.registered;
    expect(registered).toMatchObject({
      ...{ lifecycle: 'initializing', lifecycle_detail: 'warms its cache' },
    });
    expect(await connection.announce('running')).toBe(true);
    nats.reconnect();
    await pass(3_000);
    expect(registered).toMatchObject({ lifecycle: 'running' });
    expect(registered['lifecycle_detail']).toBeUndefined();
  });

  it('is part of it when it is said at once after the start', async () => {
    await connection.stop();
    connection = connect();
    const announced = connection.announce('starting');
    await connection.registered;
    expect(registered).toMatchObject({ lifecycle: 'starting' });
    expect(await announced).toBe(false);
  });

  it.each(['lifecycle', 'lifecycle_detail'])(
    'is said after it where the suite does not know of %s in a registration',
    async (field) => {
      await connection.stop();
      keys = [];
      unknown = field;
      const stage = { lifecycle: 'initializing', detail: 'warms its cache' } as const;
      connection = connect({ stage });
      await connection.registered;
      await pass(100);
      expect(Object.keys(registered)).not.toContain('lifecycle');
      expect(Object.keys(registered)).not.toContain('lifecycle_detail');
      expect(new Set(keys).size).toBe(2);
      expect(said()).toEqual(['initializing']);
      expect(types()).not.toContain('refused');
    },
  );

  it('is refused with it for anything else that is wrong', async () => {
    await connection.stop();
    unknown = 'zone';
    connection = connect({
      stage: { lifecycle: 'starting' },
      instance: { instance_id: 'billing.1', ip_address: '127.0.0.1', port: 3_000, zone: 'north' },
    });
    await expect(connection.registered).rejects.toMatchObject({ status: 400 });
  });

  it('is another registration, with a key of its own, when it comes further meanwhile', async () => {
    await connection.stop();
    keys = [];
    atInstance = 'away';
    connection = connect({ stage: { lifecycle: 'initializing' } });
    await pass(10_000);
    expect(keys.length).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(1);
    void connection.announce('running');
    await pass(10_000);
    expect(new Set(keys).size).toBe(2);
    expect(registered).toMatchObject({ lifecycle: 'running' });
  });

  it.each(['stopping', 'failed'] as const)('is said after it when it is %s', async (stage) => {
    await connection.stop();
    connection = connect({ stage: { lifecycle: stage } });
    await connection.registered;
    await pass(100);
    expect(registered['lifecycle']).toBeUndefined();
    expect(said()).toEqual([stage]);
  });

  it('outlives a suite that has forgotten the instance meanwhile', async () => {
    nats.answer = () => refused('instance-unknown');
    expect(await connection.announce('running')).toBe(false);
    nats.answer = () => accepted;
    await pass(3_000);
    expect(said()).toEqual(['running', 'running']);
    expect(types()).not.toContain('stage-refused');
  });
});
