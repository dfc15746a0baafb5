import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createEgress, egressPolicy, type Egress } from '@downbeat/egress';
import { FORBIDDEN_HOSTS, FORBIDDEN_NAMES } from '@downbeat/egress/testing';
import type { CheckRequest } from '@downbeat/health-domain';
import type { Replicas } from '../../sharing/replicas';
import { GrpcProbe } from './grpc-probe';
import { HttpProbe } from './http-probe';
import { TcpProbe } from './tcp-probe';

/** What stands in place of a URL, and what would open more than an address. */
const OTHER_URLS = [
  'unix:/var/run/docker.sock',
  'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:PORT/_x',
  'ftp://127.0.0.1:PORT/',
  'tcp://127.0.0.1:PORT',
  'ws://127.0.0.1:PORT/',
  'javascript:alert(1)',
  'data:text/plain,hello',
  '//127.0.0.1:PORT/',
  '127.0.0.1:PORT',
  'http:127.0.0.1:PORT',
  'http:/127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT\\',
  'http://example.com#@127.0.0.1:PORT/',
  'http://[::1]:PORT:80/',
  'http://127.0.0.1:PORT\u0000.example.com/',
  ' http://127.0.0.1:PORT/',
  '',
];

describe('a check in production is led to no forbidden address', () => {
  let canary: Server;
  let port: number;
  let connects = 0;
  const egresses: Egress[] = [];
  beforeAll(async () => {
    canary = createServer((socket) => {
      connects++;
      socket.destroy();
    });
    canary.listen(0, '::');
    await once(canary, 'listening');
    port = (canary.address() as AddressInfo).port;
  });
  beforeEach(() => (connects = 0));
  afterEach(async () => {
    await Promise.all(egresses.splice(0).map((egress) => egress.close()));
  });
  afterAll(() => new Promise((closed) => canary.close(closed)));

  const open = (mode: 'production' | 'development', address?: string): Egress => {
    const resolve = () =>
      Promise.resolve(
        address === undefined ? [] : [{ address, family: address.includes(':') ? 6 : 4 }],
      );
    const egress = createEgress({ policy: egressPolicy({ mode }), resolve });
    egresses.push(egress);
    return egress;
  };
  const ways = (egress: Egress) =>
    ({
      http: new HttpProbe(egress, { id: 'replica' } as Replicas),
      tcp: new TcpProbe(egress),
      grpc: new GrpcProbe(egress),
    }) as const;
  const kinds = ['http', 'tcp', 'grpc'] as const;
  const check = async (egress: Egress, kind: (typeof kinds)[number], url: string) => {
    const request: CheckRequest = { kind, url };
    const result = await ways(egress)[kind].run(request, 1_000);
    // A look at the canary is only worth something once a connection that was made has got there.
    await new Promise((done) => setImmediate(done));
    return result;
  };

  it.each(kinds)('and the canary sings when %s may reach it', async (kind) => {
    await check(open('development'), kind, `http://127.0.0.1:${port}/`);
    expect(connects).toBeGreaterThan(0);
  });

  describe.each(kinds)('over %s', (kind) => {
    it.each(FORBIDDEN_HOSTS)('as %j', async (host) => {
      const egress = open('production', '127.0.0.1');
      for (const scheme of ['http', 'https'])
        expect(await check(egress, kind, `${scheme}://${host}:${port}/`)).toMatchObject({
          isPassed: false,
        });
      expect(connects).toBe(0);
    });

    it.each(FORBIDDEN_NAMES)('by the name %s', async (name) => {
      for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '169.254.169.254'])
        expect(
          await check(open('production', address), kind, `http://${name}:${port}/`),
        ).toMatchObject({ isPassed: false, detail: expect.stringContaining('not allowed') });
      expect(connects).toBe(0);
    });

    it.each(OTHER_URLS)('as %j in place of a URL', async (url) => {
      const egress = open('production', '127.0.0.1');
      const named = url.replaceAll('PORT', String(port));
      expect(await check(egress, kind, named)).toMatchObject({ isPassed: false });
      expect(connects).toBe(0);
    });
  });

  it('counts at least sixty spellings', () =>
    expect(FORBIDDEN_HOSTS.length + FORBIDDEN_NAMES.length + OTHER_URLS.length).toBeGreaterThan(
      60,
    ));

  it.each([301, 302, 303, 307, 308])('by a redirect of %i', async (status) => {
    const guide = createHttpServer((_, response) =>
      response.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    guide.listen(0, '127.0.0.1');
    await once(guide, 'listening');
    const url = `http://127.0.0.1:${(guide.address() as AddressInfo).port}/`;
    expect(await check(open('development'), 'http', url)).toEqual({
      isPassed: false,
      detail: `HTTP ${status}`,
    });
    guide.closeAllConnections();
    await new Promise((closed) => guide.close(closed));
    expect(connects).toBe(0);
  });
});
