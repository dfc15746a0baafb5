import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { inStory } from '@downbeat/message-bus';
import { pinoHttp, type HttpLogger } from 'pino-http';
import { tellRequest, type RequestStory } from './http/request-story';
import { httpLogging } from './logging';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const story: RequestStory = {
  traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  correlationId: 'order-1',
};

describe('the log', () => {
  let server: Server;
  let log: HttpLogger;
  let lines: string[];
  let now: number;
  beforeEach(async () => {
    lines = [];
    now = 0;
    const sink = new Writable({
      write: (line: Buffer, _, done) => {
        lines.push(line.toString());
        done();
      },
    });
    log = pinoHttp(
      httpLogging('registry', 'debug', () => now),
      sink,
    );
    server = createServer((request, response) => {
      log(request, response);
      const told = { ...story, problem: 'message-bus/no-answer' };
      tellRequest(request, response, told, () => {
        if (request.url === '/broken/500') Object.assign(response, { err: new Error('a bug') });
        response.writeHead(Number(request.url?.split('/').at(-1))).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const told = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const request = async (path: string): Promise<Record<string, unknown> | undefined> => {
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: 'Bearer hunter2', 'x-secret': 'hunter2' };
    await (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text();
    return told().at(-1);
  };

  it.each([
    [200, 'debug'],
    [404, 'debug'],
    [500, 'error'],
    [503, 'warn'],
  ])('tells of %i with level %s, of its ids, and of no header', async (status, level) => {
    expect(await request(`/things/${status}`)).toMatchObject({
      level,
      service: 'registry',
      req: { method: 'GET', url: `/things/${status}` },
      res: { statusCode: status },
      trace_id: traceId,
      correlation_id: 'order-1',
    });
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).not.toContain('headers');
  });

  it.each(['/health/503', '/metrics/200'])('is silent about %s', async (path) => {
    expect(await request(path)).toBeUndefined();
  });

  it.each([500, 503])('names the problem behind a %i, and invents no stack', async (status) => {
    const line = await request(`/things/${status}`);
    expect(line).toMatchObject({ problem: 'message-bus/no-answer' });
    expect(line).not.toHaveProperty('err');
    expect(lines.join('')).not.toContain('stack');
  });

  it('has the stack of what really broke', async () => {
    expect(await request('/broken/500')).toMatchObject({
      err: { message: 'a bug', stack: expect.stringContaining('Error: a bug') as string },
    });
  });

  it('tells of a bounded number of 503s, and how many it did not tell of', async () => {
    for (let n = 0; n < 25; n++) await request('/things/503');
    await request('/things/500');
    expect(told()).toHaveLength(11);
    now = 10_000;
    expect(await request('/things/503')).toMatchObject({ unlogged_before: 15 });
    expect(await request('/things/503')).toMatchObject({ unlogged_before: 0 });
  });

  it('names the story of every line written in it', async () => {
    await inStory(story, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      log.logger.warn('within');
    });
    log.logger.warn('beside');
    const [within, beside] = told();
    expect(within).toMatchObject({ trace_id: traceId, correlation_id: 'order-1', msg: 'within' });
    expect(beside).not.toHaveProperty('trace_id');
    expect(beside).not.toHaveProperty('correlation_id');
  });

  it('names the story that a fault ended', async () => {
    const fault = new Error('broken');
    await expect(inStory(story, () => Promise.reject(fault))).rejects.toBe(fault);
    log.logger.warn({ err: fault }, 'a handler threw');
    expect(told()).toMatchObject([{ trace_id: traceId, correlation_id: 'order-1' }]);
  });
});
