import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type RequestListener, type Server } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { createEgress, type Egress, type EgressOptions, type EgressRequest } from './egress';
import type { EgressFault } from './faults';
import { egressPolicy } from './policy';
import { FORBIDDEN_HOSTS, FORBIDDEN_NAMES } from './testing';

const development = egressPolicy({ mode: 'development' });
const production = egressPolicy({ mode: 'production' });

const listen = async (server: Server | TcpServer, host = '127.0.0.1'): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
};

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  const port = await listen(server);
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${port}`, server };
}

/** A server below HTTP: what arrives is the test's business. */
async function serveSockets(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    onSocket(socket);
  });
  const port = await listen(server);
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${port}`;
}

function egressOf(options: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({ policy: development, ...options });
  cleanups.push(() => egress.close());
  return egress;
}

const faultOf = (egress: Egress, request: Partial<EgressRequest> & { url: string }) =>
  egress.request({ method: 'GET', ...request }).then(
    (response) => {
      throw new Error(`answered ${response.status} ${response.body}`);
    },
    (fault: EgressFault) => fault,
  );

describe('a call', () => {
  it('brings status, headers and body, and sends what it was given', async () => {
    const { url } = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(201, { 'x-seen': request.headers['idempotency-key'] });
        response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()} ünï`);
      });
    });
    const response = await egressOf().request({
      url: `${url}/holds?a=b`,
      method: 'POST',
      headers: { 'idempotency-key': 'run-1:hold' },
      body: '{"date":"ü"}',
    });
    expect(response).toMatchObject({
      status: 201,
      body: 'POST /holds?a=b {"date":"ü"} ünï',
      headers: { 'x-seen': 'run-1:hold' },
    });
  });

  it('does not follow a redirect', async () => {
    const paths: unknown[] = [];
    const { url } = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const response = await egressOf().request({ url: `${url}/`, method: 'GET' });
    expect(response.status).toBe(307);
    expect(paths).toEqual(['/']);
  });

  it('uses its connections again, and never more than allowed', async () => {
    const ports = new Set<unknown>();
    const { url } = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    const egress = egressOf({ connectionsPerOriginMax: 3 });
    for (let round = 0; round < 5; round++)
      await Promise.all(
        Array.from({ length: 20 }, () => egress.request({ url, method: 'POST', body: '{}' })),
      );
    expect(ports.size).toBeLessThanOrEqual(3);
  });

  it('is refused when too many are under way', async () => {
    const { url } = await serve(() => undefined);
    const egress = egressOf({ callsMax: 2 });
    const waiting = [faultOf(egress, { url }), faultOf(egress, { url })];
    expect(await faultOf(egress, { url })).toMatchObject({
      code: 'egress/busy',
      outcome: 'not-sent',
    });
    await egress.close();
    expect((await Promise.all(waiting)).map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^(unknown|not-sent)$/)]),
    );
  });

  it('asks once more when it is written, and sends nothing when it may not any more', async () => {
    const seen: string[] = [];
    const { url } = await serve((request, response) => {
      seen.push(String(request.url));
      response.end('ok');
    });
    const egress = egressOf();
    const asked = { maySend: false };
    const maySend = () => asked.maySend;
    // Without a connection, and with one that is there.
    for (const path of ['/first', '/second']) {
      const fault = await faultOf(egress, { url: `${url}${path}`, maySend });
      expect(fault).toMatchObject({ code: 'egress/cancelled', outcome: 'not-sent' });
      asked.maySend = true;
      await egress.request({ url: `${url}${path}`, method: 'GET', maySend });
      asked.maySend = false;
    }
    expect(seen).toEqual(['/first', '/second']);
  });

  it('cannot set the framing of the request', async () => {
    const egress = egressOf();
    for (const name of ['Host', 'transfer-encoding', 'Content-Length', 'connection'])
      expect(
        await faultOf(egress, { url: 'http://127.0.0.1:1024/', headers: { [name]: 'x' } }),
      ).toMatchObject({ code: 'egress/header-refused', field: `headers.${name}` });
    expect(
      await faultOf(egress, { url: 'http://127.0.0.1:1024/', headers: { 'x-a': 'b\r\nc: d' } }),
    ).toMatchObject({ code: 'egress/header-refused', outcome: 'not-sent' });
  });
});

describe('a plain connection', () => {
  it('is as open as the server keeps it, and is closed with the rest', async () => {
    const url = await serveSockets((socket) => socket.pipe(socket));
    const egress = egressOf();
    const socket = await egress.connect(`${url}/whatever?path`);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const echoed = new Promise((resolve) => socket.once('data', resolve));
    socket.write('hello');
    expect(String(await echoed)).toBe('hello');
    await egress.close();
    await closed;
  });

  it('counts as a call until it is closed', async () => {
    const url = await serveSockets(() => undefined);
    const egress = egressOf({ callsMax: 1 });
    const socket = await egress.connect(url);
    await expect(egress.connect(url)).rejects.toMatchObject({ code: 'egress/busy' });
    expect(await faultOf(egress, { url })).toMatchObject({ code: 'egress/busy' });
    socket.destroy();
    await new Promise((resolve) => socket.once('close', resolve));
    (await egress.connect(url)).destroy();
  });

  it('that comes too late is closed at once', async () => {
    let closed = 0;
    let bothClosed = (): void => undefined;
    const both = new Promise<void>((resolve) => (bothClosed = resolve));
    const url = await serveSockets((socket) =>
      socket.once('close', () => ++closed === 2 && bothClosed()),
    );
    let answerName = (): void => undefined;
    const nameAnswered = new Promise<void>((resolve) => (answerName = resolve));
    const egress = egressOf({
      resolve: async () => {
        await nameAnswered;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const late = url.replace('127.0.0.1', 'slow.test');
    await expect(egress.connect(late, 30)).rejects.toMatchObject({
      code: 'egress/timed-out',
      outcome: 'not-sent',
    });
    answerName();
    // It is made after the one that was given up, by the same way.
    (await egress.connect(late)).destroy();
    await both;
  });

  it('that fails is given up, and its place with it', async () => {
    const { url, server } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const egress = egressOf({ callsMax: 1 });
    for (let times = 0; times < 3; times++)
      await expect(egress.connect(url)).rejects.toMatchObject({
        code: 'egress/connection-refused',
        detail: 'ECONNREFUSED',
      });
  });
});

describe('what is known of a call that failed', () => {
  it('a refused connection: nothing was sent', async () => {
    const { url, server } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const egress = egressOf({ connectionsPerOriginMax: 2 });
    const faults = await Promise.all(Array.from({ length: 40 }, () => faultOf(egress, { url })));
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(['egress/connection-refused']));
    expect(faults[0]).toMatchObject({
      outcome: 'not-sent',
      detail: 'ECONNREFUSED',
      remedy: 'retry',
    });
  });

  it('a name without an address: nothing was sent', async () => {
    const egress = egressOf({ resolve: async () => [] });
    expect(await faultOf(egress, { url: 'http://nowhere.test/' })).toMatchObject({
      code: 'egress/connection-refused',
      detail: 'ENOTFOUND',
    });
  });

  it('a connection that breaks after sending: unknown', async () => {
    const url = await serveSockets((socket) => socket.once('data', () => socket.destroy()));
    expect(await faultOf(egressOf(), { url, method: 'POST', body: '{}' })).toMatchObject({
      code: 'egress/connection-broken',
      outcome: 'unknown',
      status: undefined,
    });
  });

  it('a reset after sending: unknown', async () => {
    const url = await serveSockets((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await faultOf(egressOf(), { url })).toMatchObject({
      code: 'egress/connection-broken',
      detail: 'ECONNRESET',
      outcome: 'unknown',
    });
  });

  it('a connection that breaks within the body: unknown, with its status', async () => {
    for (const framing of ['content-length: 100', 'transfer-encoding: chunked']) {
      const url = await serveSockets((socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello`)),
      );
      expect(await faultOf(egressOf(), { url })).toMatchObject({
        code: 'egress/connection-broken',
        outcome: 'unknown',
        status: 200,
      });
    }
  });

  it('an answer that is not HTTP: unknown', async () => {
    const url = await serveSockets((socket) =>
      socket.once('data', () => socket.end('-ERR unknown\r\n')),
    );
    expect(await faultOf(egressOf(), { url })).toMatchObject({ code: 'egress/connection-broken' });
  });

  it('no answer in time: unknown, and the connection is not used again', async () => {
    const closed: Promise<unknown>[] = [];
    const { url } = await serve(({ socket }) => {
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
    });
    const egress = egressOf();
    for (let call = 1; call <= 2; call++) {
      expect(await faultOf(egress, { url, timeoutMs: 50 })).toMatchObject({
        code: 'egress/timed-out',
        outcome: 'unknown',
        message: 'timed out after 50 ms',
      });
      await closed[call - 1];
    }
    expect(closed).toHaveLength(2);
  });

  it('a body that trickles is bounded by the same time-out', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 5);
      response.on('close', () => clearInterval(timer));
    });
    expect(await faultOf(egressOf(), { url, timeoutMs: 100 })).toMatchObject({
      code: 'egress/timed-out',
      outcome: 'unknown',
    });
  });

  it('no connection in time: nothing was sent, and nothing is sent later', async () => {
    const requests: unknown[] = [];
    const { server } = await serve((request, response) => {
      requests.push(request.url);
      response.end();
    });
    const port = (server.address() as AddressInfo).port;
    let answerName = (): void => undefined;
    const nameAnswered = new Promise<void>((resolve) => {
      answerName = resolve;
    });
    const egress = egressOf({
      resolve: async () => {
        await nameAnswered;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const late = `http://slow.test:${port}/`;
    expect(await faultOf(egress, { url: late, timeoutMs: 30 })).toMatchObject({
      code: 'egress/timed-out',
      outcome: 'not-sent',
    });
    answerName();
    // The next call of the same pool is written after the place of the one that was given up.
    expect((await egress.request({ url: `${late}next`, method: 'GET' })).status).toBe(200);
    expect(requests).toEqual(['/next']);
  });

  it('a cancelled call: unknown once sent, not sent before', async () => {
    let isAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const { url } = await serve(() => isAsked());
    const egress = egressOf();
    const cancel = new AbortController();
    const call = faultOf(egress, { url, signal: cancel.signal });
    await asked;
    cancel.abort();
    expect(await call).toMatchObject({ code: 'egress/cancelled', outcome: 'unknown' });
    expect(await faultOf(egress, { url, signal: cancel.signal })).toMatchObject({
      code: 'egress/cancelled',
      outcome: 'not-sent',
    });
  });

  it('a body too long: answered, and not read to its end', async () => {
    const { url } = await serve((_, response) => {
      response.write('x'.repeat(35_000));
      response.end('x'.repeat(35_000));
    });
    const egress = egressOf();
    expect(await faultOf(egress, { url })).toMatchObject({
      code: 'egress/response-too-large',
      outcome: 'answered',
      status: 200,
    });
    const whole = await egress.request({ url, method: 'GET', bytesMax: 70_000 });
    expect(whole.body).toHaveLength(70_000);
  });

  it('a body that is announced to be too long: not waited for', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 70_000 }).flushHeaders();
    });
    expect(await faultOf(egressOf(), { url })).toMatchObject({ code: 'egress/response-too-large' });
  });
});

describe('a forbidden address is never connected to', () => {
  let canary: Server;
  let port: number;
  let connects = 0;
  const sockets: unknown[] = [];
  const onSocket = (message: unknown): void => void sockets.push(message);

  beforeAll(async () => {
    canary = createServer((_, response) => response.end('reached'));
    canary.on('connection', () => connects++);
    await new Promise<void>((resolve) => canary.listen(0, '::', resolve));
    port = (canary.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => canary.close(resolve)));
  beforeEach(() => {
    connects = 0;
    sockets.length = 0;
    subscribe('net.client.socket', onSocket);
  });
  afterEach(() => {
    unsubscribe('net.client.socket', onSocket);
    expect(connects).toBe(0);
  });

  it('and the canary sings when it may be reached', async () => {
    const response = await egressOf().request({ url: `http://127.0.0.1:${port}/`, method: 'GET' });
    expect(response.body).toBe('reached');
    expect(connects).toBe(1);
    connects = 0;
  });

  it('tries enough of them', () => expect(FORBIDDEN_HOSTS.length).toBeGreaterThanOrEqual(60));

  it.each(FORBIDDEN_HOSTS)('as %j', async (host) => {
    const resolve = jest.fn();
    const egress = egressOf({ policy: production, resolve });
    for (const scheme of ['http', 'https']) {
      const fault = await faultOf(egress, { url: `${scheme}://${host}:${port}/` });
      expect(fault).toMatchObject({ name: 'EgressRefused', outcome: 'not-sent' });
    }
    expect(resolve).not.toHaveBeenCalled();
    expect(sockets).toHaveLength(0);
  });

  it.each(FORBIDDEN_NAMES)('by the name %s', async (name) => {
    for (const address of [
      '127.0.0.1',
      '::1',
      '::ffff:127.0.0.1',
      '169.254.169.254',
      '10.0.0.1',
      '0.0.0.0',
    ]) {
      const family = address.includes(':') ? 6 : 4;
      const egress = egressOf({ policy: production, resolve: async () => [{ address, family }] });
      const fault = await faultOf(egress, { url: `http://${name}:${port}/` });
      expect(fault).toMatchObject({ code: 'egress/address-refused', outcome: 'not-sent' });
    }
  });

  it('when one of several addresses of a name is forbidden', async () => {
    const resolve = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const egress = egressOf({ policy: production, resolve });
    expect(await faultOf(egress, { url: `http://mixed.test:${port}/` })).toMatchObject({
      code: 'egress/address-refused',
    });
  });

  it('when the name server changes its mind between the check and the connection', async () => {
    // A public address at which nobody answers stands for the attacker's own.
    const answers = ['198.20.0.1', '127.0.0.1'];
    const resolve = jest.fn(async () => [{ address: answers.shift() ?? '127.0.0.1', family: 4 }]);
    const egress = egressOf({ policy: production, resolve });
    const url = `http://rebind.test:${port}/`;
    const first = await faultOf(egress, { url, timeoutMs: 300 });
    expect(first.outcome).toBe('not-sent');
    expect(resolve).toHaveBeenCalledTimes(1);
    expect(sockets).toHaveLength(1);
    const second = await faultOf(egressOf({ policy: production, resolve }), { url });
    expect(second).toMatchObject({ code: 'egress/address-refused' });
    expect(resolve).toHaveBeenCalledTimes(2);
  });

  it('when the answer of the resolver is no address', async () => {
    const resolve = async () => [{ address: 'localhost', family: 4 }];
    const egress = egressOf({ policy: production, resolve });
    expect(await faultOf(egress, { url: `http://alias.test:${port}/` })).toMatchObject({
      code: 'egress/address-refused',
    });
  });
});
