import { HeldBreakers } from '@downbeat/breakers';
import type { DirectoryFollower } from '@downbeat/discovery';
import { monotonicMs, RETRY_POLICY, TARGET_POLICY } from '@downbeat/resilience';
import { z } from 'zod';
import { Handlers } from '../operations/handlers';
import { operation, type CallInfo } from '../operations/operation';
import { ServedOverHttp } from '../operations/served-over-http';
import { Caller, type CallFailed, type CallOptions } from './caller';
import { DeclaredDependencies } from './declared-dependencies';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const ask = operation('ask', { input: z.object({}), output: z.object({ by: z.string() }) });
const tell = operation('tell', { input: z.object({}), output: z.object({}) });
type Answer = z.infer<typeof ask.output>;

/** The name that an instance is served by, and its zone. */
type Placed = readonly [name: string, zone: string];

/**
 * Goal: what comes with a call goes on to the calls that are made for it. Method: services in this process,
 * each with its HTTP server, and callers that know where they are.
 */
class Network {
  private readonly urls = new Map<string, string>();
  /** Instances of services, instead of an address of the whole. */
  readonly zones = new Map<string, readonly Placed[]>();
  private readonly servers: ServedOverHttp[] = [];
  private readonly callers: Caller[] = [];

  caller(
    source: string,
    dependencies: readonly object[] = [],
    policyOf = {},
    zone?: string,
  ): Caller {
    const serviceOf = (service_name: string) => {
      const placed = this.zones.get(service_name);
      if (placed) return { service_name, instance_count: placed.length, targets: this.at(placed) };
      const base_url = this.urls.get(service_name);
      return base_url && { service_name, base_url, instance_count: 0, targets: [] };
    };
    const follower = { changes: 1, snapshot: { serviceOf } } as unknown as DirectoryFollower;
    const clocks = { now: monotonicMs, calendar: Date.now, chance: Math.random };
    const caller = new Caller(follower, new HeldBreakers({ source, ...clocks }), {
      declared: new DeclaredDependencies(dependencies as never),
      policyOf: () => policyOf,
      zone,
      environment: 'development',
      onEvent: () => undefined,
      onEnded: () => undefined,
    });
    this.callers.push(caller);
    return caller;
  }

  private at(placed: readonly Placed[]): readonly object[] {
    return placed.map(([name, zone]) => ({ instance_id: name, url: this.urls.get(name), zone }));
  }

  async serve(name: string, handle: (call: CallInfo) => Promise<Answer> | Answer): Promise<void> {
    const defects = { onDefect: () => undefined };
    const handlers = new Handlers(defects);
    handlers.add(ask, (_, call) => handle(call));
    const at = { host: '127.0.0.1', port: 0, isHealthy: () => true, ...defects };
    const server = await ServedOverHttp.listen(handlers, at);
    this.servers.push(server);
    this.urls.set(name, `http://127.0.0.1:${server.port}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close(0)));
    await Promise.all(this.callers.map((caller) => caller.close(0)));
  }
}

let network: Network;
beforeEach(() => (network = new Network()));
afterEach(() => network.close());

const never = (call: CallInfo): Promise<Answer> =>
  new Promise((_, reject) =>
    call.signal.addEventListener('abort', () => reject(new Error('over'))),
  );
const failureOf = (call: Promise<unknown>): Promise<CallFailed> =>
  call.then(
    () => Promise.reject(new Error('it did not fail')),
    (failure: CallFailed) => failure,
  );
const codeOf = ({ cause }: CallFailed) => (cause as { readonly code: string }).code;

describe('a call that is made for another one', () => {
  /** A front that asks a back for each call. @returns What each of them saw of its call. */
  const chain = async (more: Omit<CallOptions<Answer>, 'within'> = {}) => {
    const seen: Record<string, CallInfo & { readonly left: number }> = {};
    const see = (name: string, call: CallInfo) => {
      const { correlationId, traceparent, tracestate, idempotencyKey } = call;
      const headers = { correlationId, traceparent, tracestate, idempotencyKey };
      seen[name] = { ...headers, left: call.leftMs() } as never;
    };
    await network.serve('back', (call) => {
      see('back', call);
      return { by: 'back' };
    });
    const front = network.caller('front');
    await network.serve('front', (call) => {
      see('front', call);
      return front.call('back', ask, {}, { ...more, within: call });
    });
    return seen;
  };

  it('goes on with its trace and its correlation, under a key of its own', async () => {
    const seen = await chain();
    const said = { traceparent: TRACE, tracestate: 'vendor=1', correlationId: 'order-7' };
    expect(await network.caller('shop').call('front', ask, {}, said)).toEqual({ by: 'back' });
    expect(seen['front']).toMatchObject(said);
    expect(seen['back']).toMatchObject(said);
    expect(seen['back']?.idempotencyKey).not.toBe(seen['front']?.idempotencyKey);
  });

  it('has a trace and a correlation when nobody has begun one', async () => {
    const seen = await chain();
    await network.caller('shop').call('front', ask, {});
    expect(seen['front']?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(seen['back']).toMatchObject({
      traceparent: seen['front']?.traceparent,
      correlationId: seen['front']?.correlationId,
    });
  });

  it('begins anew when what came is no trace, and leaves its state', async () => {
    const seen = await chain();
    const said = { traceparent: '00-not-one', tracestate: 'vendor=1' };
    await network.caller('shop').call('front', ask, {}, said);
    expect(seen['back']?.traceparent).toMatch(/^00-[0-9a-f]{32}-/);
    expect(seen['back']?.tracestate).toBe(undefined);
  });

  it('has no more time than is left of the first one', async () => {
    const seen = await chain({ timeoutMs: 60_000 });
    await network.caller('shop').call('front', ask, {}, { timeoutMs: 30_000 });
    const [front, back] = [seen['front']?.left ?? 0, seen['back']?.left ?? 0];
    expect(front).toBeLessThanOrEqual(30_000);
    expect(back).toBeLessThanOrEqual(front);
    expect(back).toBeGreaterThan(0);
  });

  it('ends in one way when its time is over, which is not held against its target', async () => {
    let isHanging = true;
    await network.serve('back', () => (isHanging ? new Promise(() => undefined) : { by: 'back' }));
    const front = network.caller('front');
    const served = new Handlers({ onDefect: () => undefined });
    served.add(ask, (_, call) => front.call('back', ask, {}, { within: call }));
    const codes = new Set<string>();
    served.add(tell, async (_, call) => {
      codes.add(codeOf(await failureOf(front.call('back', ask, {}, { within: call }))));
      return {};
    });
    const hurry = { 'downbeat-time-left-ms': '150' };
    await Promise.all(Array.from({ length: 40 }, () => served.answer('tell', '{}', hurry)));
    isHanging = false;
    const { status } = await served.answer('ask', '{}', {});
    expect([[...codes], status]).toEqual([['resilience/timed-out'], 200]);
  });

  it('is given up with the first one', async () => {
    const aborter = new AbortController();
    let hear: (heard: string) => void;
    const heard = new Promise<string>((resolve) => (hear = resolve));
    await network.serve('back', async (call) => {
      aborter.abort();
      return never(call).catch((fault: Error) => {
        hear('back heard');
        throw fault;
      });
    });
    const front = network.caller('front');
    await network.serve('front', (call) => front.call('back', ask, {}, { within: call }));
    const { signal } = aborter;
    const failure = await failureOf(network.caller('shop').call('front', ask, {}, { signal }));
    expect(failure.outcome).toBe('unknown');
    expect(codeOf(failure)).toBe('resilience/aborted');
    expect(await heard).toBe('back heard');
  });
});

describe('a call of a service that stops', () => {
  /** A target that answers when it is told to. */
  const asked = async () => {
    let come: () => void = () => undefined;
    let end: () => void = () => undefined;
    const came = new Promise<void>((resolve) => (come = resolve));
    await network.serve('stock', () => {
      come();
      return new Promise((resolve) => (end = () => resolve({ by: 'stock' })));
    });
    return { came, end: () => end() };
  };
  const patient = { timeoutMs: 600_000 };
  const options = { isRepeatable: true, timeoutMs: 3_600_000 };

  it('is let end, while no other one begins', async () => {
    const { came, end } = await asked();
    const shop = network.caller('shop', [], patient);
    const call = shop.call('stock', ask, {}, options);
    await came;
    const closing = shop.close(30_000);
    const late = await failureOf(shop.call('stock', ask, {}, options));
    expect([late.outcome, codeOf(late)]).toEqual(['not-sent', 'resilience/aborted']);
    end();
    expect(await call).toEqual({ by: 'stock' });
    await closing;
  });

  it('is given up after a while, and nobody knows what became of it', async () => {
    const { came } = await asked();
    const shop = network.caller('shop', [], patient);
    const failing = failureOf(shop.call('stock', ask, {}, options));
    await came;
    await shop.close(1);
    expect((await failing).outcome).toBe('unknown');
  });

  it('does not wait to be tried again', async () => {
    let fail: () => void = () => undefined;
    const failed = new Promise<void>((resolve) => (fail = resolve));
    await network.serve('stock', () => {
      fail();
      throw new Error('broken');
    });
    const backoff = { kind: 'fixed', delayMs: 600_000 };
    const retry = { ...RETRY_POLICY, backoff, delayMaxMs: 600_000, jitter: 'none' };
    const shop = network.caller('shop', [], { ...patient, retry });
    const failing = failureOf(shop.call('stock', ask, {}, options));
    await failed;
    await shop.close(30_000);
    expect((await failing).outcome).toBe('unknown');
  });
});

it.each(['idempotencyKey', 'correlationId', 'priority'])(
  'is not sent with a %s that can be no header, which says nothing about the target',
  async (name) => {
    let times = 0;
    await network.serve('stock', () => {
      times++;
      return { by: 'stock' };
    });
    const shop = network.caller('shop');
    for (let one = 0; one < 25; one++) {
      const failure = await failureOf(shop.call('stock', ask, {}, { [name]: 'order-€7' }));
      expect([failure.name, failure.outcome]).toEqual(['CallFailed', 'not-sent']);
    }
    expect(times).toBe(0);
    expect(await shop.call('stock', ask, {})).toEqual({ by: 'stock' });
  },
);

describe('a call of a caller that has a zone', () => {
  const answers = async (caller: Caller): Promise<readonly string[]> => {
    const calls = Array.from({ length: 30 }, () => caller.call('stock', ask, {}));
    return [...new Set((await Promise.all(calls)).map(({ by }) => by))].sort();
  };
  beforeEach(async () => {
    for (const name of ['near', 'far']) await network.serve(name, () => ({ by: name }));
    network.zones.set('stock', [
      ['near', 'north'],
      ['far', 'south'],
    ]);
  });

  it('stays there, and goes on elsewhere when nobody is there', async () => {
    expect(await answers(network.caller('shop'))).toEqual(['far', 'near']);
    expect(await answers(network.caller('shop', [], {}, 'north'))).toEqual(['near']);
    expect(await answers(network.caller('shop', [], {}, 'south'))).toEqual(['far']);
    expect(await answers(network.caller('shop', [], {}, 'west'))).toEqual(['far', 'near']);
  });

  it('goes to another zone when the policy of the target names that', async () => {
    const { balancer } = TARGET_POLICY;
    const plain = { balancer: { ...balancer, strategy: 'random' } };
    expect(await answers(network.caller('shop', [], plain, 'north'))).toEqual(['near']);
    const elsewhere = { balancer: { ...balancer, zone: 'south' } };
    expect(await answers(network.caller('shop', [], elsewhere, 'north'))).toEqual(['far']);
  });
});

describe('a call to a declared dependency', () => {
  it('takes no longer than declared, unless the code says more', async () => {
    await network.serve('stock', () => new Promise(() => undefined));
    const shop = network.caller('shop', [{ service_name: 'stock', timeout_ms: 50 }]);
    const tookMs: number[] = [];
    for (let one = 0; one < 3; one++) {
      const began = performance.now();
      expect(codeOf(await failureOf(shop.call('stock', ask, {})))).toBe('resilience/timed-out');
      tookMs.push(performance.now() - began);
    }
    // A busy machine stands still now and then, but hardly each time.
    expect(Math.min(...tookMs)).toBeLessThan(2_000);
    const patient = network.caller('shop', [{ service_name: 'stock', timeout_ms: 1 }], {
      timeoutMs: 60_000,
    });
    await network.serve('stock', () => ({ by: 'stock' }));
    expect(await patient.call('stock', ask, {}, { timeoutMs: 60_000 })).toEqual({ by: 'stock' });
  });

  it('takes as long as the attempts that the code says, where it says nothing of the call', async () => {
    const left: number[] = [];
    await network.serve('stock', (call) => {
      left.push(call.leftMs());
      if (left.length < 3) throw new Error('broken');
      return { by: 'stock' };
    });
    const shop = network.caller('shop', [{ service_name: 'stock', timeout_ms: 20 }], {
      timeoutMs: 60_000,
      retry: { ...RETRY_POLICY, backoff: { kind: 'immediate' } },
    });
    expect(await shop.call('stock', ask, {}, { isRepeatable: true })).toEqual({ by: 'stock' });
    expect(left.length).toBe(3);
    expect(Math.min(...left)).toBeGreaterThan(4_000);
  });

  it('is tried as often as declared', async () => {
    let times = 0;
    await network.serve('stock', () => {
      times++;
      throw new Error('broken');
    });
    const retry_policy = { max_retries: 3, initial_delay_ms: 1, max_delay_ms: 1 };
    const shop = network.caller('shop', [{ service_name: 'stock', retry_policy }]);
    await failureOf(shop.call('stock', ask, {}, { isRepeatable: true }));
    expect(times).toBe(4);
    times = 0;
    const hasty = network.caller('shop', [
      { service_name: 'stock', fallback_strategy: 'fail_fast' },
    ]);
    await failureOf(hasty.call('stock', ask, {}, { isRepeatable: true }));
    expect(times).toBe(1);
  });

  it('has the fallback of the code when the declaration says so', async () => {
    let times = 0;
    await network.serve('stock', () => {
      times++;
      throw new Error('broken');
    });
    const fallback = { by: 'nobody' };
    const anyway = network.caller('shop', [
      { service_name: 'stock', fallback_strategy: 'default_response' },
    ]);
    expect(await anyway.call('stock', ask, {}, { fallback })).toEqual(fallback);
    const declared = { service_name: 'stock', fallback_strategy: 'circuit_breaker' };
    const open = network.caller('shop', [declared]);
    times = 0;
    const answers: string[] = [];
    for (let one = 0; one < 30; one++)
      answers.push(
        await open.call('stock', ask, {}, { fallback }).then(
          ({ by }) => by,
          ({ outcome }: CallFailed) => outcome,
        ),
      );
    // Each that fails is heard of until the breaker opens; from then on nobody is asked.
    const failed = answers.filter((answer) => answer === 'unknown').length;
    expect([failed > 0, failed < 30, times]).toEqual([true, true, failed]);
    expect(answers.slice(failed)).toEqual(Array.from({ length: 30 - failed }, () => 'nobody'));
  });

  it('has no breaker when it is declared to have none', async () => {
    let times = 0;
    await network.serve('stock', () => {
      times++;
      throw new Error('broken');
    });
    const shop = network.caller('shop', [
      { service_name: 'stock', circuit_breaker_enabled: false },
    ]);
    for (let one = 0; one < 40; one++) await failureOf(shop.call('stock', ask, {}));
    expect(times).toBe(40);
  });
});

it('tells how calls ended, but those to a dependency that is not to be monitored', async () => {
  for (const name of ['watched', 'unwatched']) await network.serve(name, () => ({ by: name }));
  const caller = network.caller('shop', [
    { service_name: 'watched', timeout_ms: 5_000 },
    { service_name: 'unwatched', monitoring_enabled: false },
  ]);
  for (const name of ['watched', 'unwatched']) await caller.call(name, ask, {});
  expect(caller.tell()).toMatchObject([{ target: 'watched', endpoints: [{ ok: 1 }] }]);
});
