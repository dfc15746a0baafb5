import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pinoHttp } from 'pino-http';
import { httpLogging } from './logging';

describe('the log of requests', () => {
  let server: Server;
  let lines: string[];
  beforeEach(async () => {
    lines = [];
    const sink = new Writable({
      write: (line: Buffer, _, done) => {
        lines.push(line.toString());
        done();
      },
    });
    const log = pinoHttp(httpLogging('registry', 'debug'), sink);
    server = createServer((request, response) => {
      log(request, response);
      response.writeHead(Number(request.url?.split('/').at(-1))).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const request = async (path: string): Promise<Record<string, unknown> | undefined> => {
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: 'Bearer hunter2', 'x-secret': 'hunter2' };
    await (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text();
    return lines[0] === undefined ? undefined : (JSON.parse(lines[0]) as Record<string, unknown>);
  };

  it.each([
    [200, 'debug'],
    [404, 'debug'],
    [500, 'error'],
    [503, 'warn'],
  ])('tells of %i with level %s, and of no header', async (status, level) => {
    expect(await request(`/things/${status}`)).toMatchObject({
      level,
      service: 'registry',
      req: { method: 'GET', url: `/things/${status}` },
      res: { statusCode: status },
    });
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).not.toContain('headers');
  });

  it.each(['/health/503', '/metrics/200'])('is silent about %s', async (path) => {
    expect(await request(path)).toBeUndefined();
  });
});
