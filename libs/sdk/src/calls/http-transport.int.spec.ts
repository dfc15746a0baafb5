import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Deadline, proxyPorts, Refusal, ServiceProxy, TARGET_POLICY } from '@downbeat/resilience';
import { HttpTransport, IDLE_MS, type HttpAnswer, type HttpRequest } from './http-transport';
import type { InstanceEndpoint } from './instances';

const CALLS = 200;
const GET = { method: 'GET', path: '/' };
const MEBIBYTE = 1_048_576;

/** Goal: what a call costs beside the request. Method: a server in this process, and counters in place of the globals. */
describe('calls over HTTP', () => {
  let server: Server;
  let transport: HttpTransport;
  let endpoint: InstanceEndpoint;
  let listener: RequestListener;
  beforeEach(async () => {
    listener = (_, response) => response.end('{"text":"grün"}');
    server = createServer((request, response) => listener(request, response));
    // It names no time after which it closes connections: ours holds.
    server.keepAliveTimeout = 0;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const plain = { weight: 1, priority: 0, zone: '', isHealthy: true, isDraining: false };
    endpoint = { id: 'one', service: 'target', url, ...plain };
    transport = new HttpTransport();
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await transport.close(0);
  });

  const proxied = (timeoutMs: number) =>
    new ServiceProxy<InstanceEndpoint, HttpRequest, HttpAnswer>({
      source: 'shop',
      directory: { revision: 1, lookup: () => [endpoint], lookupCapability: () => undefined },
      transport: transport.send,
      ports: proxyPorts(),
      policyOf: () => ({ timeoutMs, retry: { ...TARGET_POLICY.retry, attemptsMax: 1 } }),
    }).service('billing');
  const context = (onGivenUp: (listener: (reason: Refusal) => void) => void) => ({
    number: 1,
    deadline: Deadline.never,
    get signal(): AbortSignal {
      throw new Error('nobody has to ask for a signal');
    },
    onGivenUp,
  });
  const failureOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => Promise.reject(new Error('it did not fail')),
      (failure: unknown) => failure,
    );

  it('make no signal and no timer: only a connection that falls idle has one', async () => {
    const real = { AbortController, setTimeout, setInterval };
    const made = { signals: 0, timers: 0 };
    const billing = proxied(5_000);
    // The first one makes the connection, whose time-out is its own, and the wheel's timer.
    expect((await billing.call(GET)).answer).toMatchObject({
      status: 200,
      body: '{"text":"grün"}',
    });
    globalThis.AbortController = class extends real.AbortController {
      constructor() {
        super();
        made.signals++;
      }
    };
    const counted =
      (make: (...args: never[]) => unknown) =>
      (...args: [never, number, ...never[]]) => {
        if (args[1] !== IDLE_MS) made.timers++;
        return make(...(args as unknown as never[]));
      };
    try {
      for (let call = 0; call < CALLS; call++) await billing.call(GET);
      globalThis.setTimeout = counted(real.setTimeout as never) as never;
      globalThis.setInterval = counted(real.setInterval as never) as never;
      for (let call = 0; call < CALLS; call++)
        await transport.send(
          endpoint,
          GET,
          context(() => undefined),
        );
    } finally {
      Object.assign(globalThis, real);
    }
    expect(made).toEqual({ signals: 0, timers: 0 });
  });

  it.each([
    ['says nothing', () => undefined],
    ['does not end what it says', (response: { write(text: string): void }) => response.write('{')],
  ])('are bounded by the wheel when the target %s, and broken off', async (_, answers) => {
    const broken = new Promise<void>((resolve) => {
      listener = (request, response) => {
        request.socket.once('close', () => resolve());
        answers(response);
      };
    });
    expect(await failureOf(proxied(100).call(GET))).toMatchObject({
      code: 'resilience/timed-out',
      outcome: 'unknown',
    });
    await broken;
  });

  it('do not go out when they are given up before', async () => {
    const seen: string[] = [];
    listener = (request, response) => {
      seen.push(request.url ?? '');
      response.end();
    };
    const reason = new Refusal('resilience/aborted', 'the caller has gone');
    const early = context((hear) => hear(reason));
    expect(await failureOf(transport.send(endpoint, { ...GET, path: '/early' }, early))).toBe(
      reason,
    );
    await transport.send(
      endpoint,
      { ...GET, path: '/late' },
      context(() => undefined),
    );
    expect(seen).toEqual(['/late']);
  });

  it('take no answer of more than a mebibyte, and no request that cannot be sent', async () => {
    listener = (_, response) => response.end('x'.repeat(MEBIBYTE + 1));
    const send = (request: HttpRequest) =>
      failureOf(
        transport.send(
          endpoint,
          request,
          context(() => undefined),
        ),
      );
    expect(await send(GET)).toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
    expect(await send({ ...GET, headers: { bad: 'a\nb' } })).toMatchObject({
      code: 'UND_ERR_INVALID_ARG',
    });
  });
});
