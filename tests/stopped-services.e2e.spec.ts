import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Suite } from './support/suite';

const run = promisify(execFile);
const PROGRAM = join(__dirname, 'support', 'stopping-service.mjs');
/** Of a call of its own that goes on, the program would wait ten minutes. */
const ENDS_WITHIN_MS = 60_000;

/** Goal: a service that has stopped keeps no process alive. Method: programs that never say `process.exit`. */
describe('a process whose service has stopped', () => {
  let suite: Suite;
  let neighbour: Server;
  beforeAll(async () => {
    neighbour = createServer((request, response) => {
      // What it is asked else it never answers.
      if (request.url === '/operations/greet') response.end('{"text":"hello"}');
    });
    // It names no time after which it closes connections: callers hold theirs.
    neighbour.keepAliveTimeout = 0;
    neighbour.listen(0, '127.0.0.1');
    await once(neighbour, 'listening');
    suite = await Suite.start({ demo: false });
    const { port } = neighbour.address() as AddressInfo;
    const { status } = await suite.request('POST', '/services', {
      ...{ service_name: 'neighbour', service_version: '1.0.0', service_type: 'api' },
      ...{ deployment_environment: 'development', dependencies: [] },
      base_url: `http://127.0.0.1:${port}`,
    });
    expect(status).toBe(202);
  });
  afterAll(async () => {
    neighbour.closeAllConnections();
    neighbour.close();
    await suite?.stop();
  });

  /** A port that nobody listens at. */
  const closedPort = async (): Promise<number> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  };
  const said = async (SCENARIO: string, GATEWAY_URL: string, NATS_URL: string) => {
    const env = { PATH: process.env['PATH'], SCENARIO, GATEWAY_URL, NATS_URL };
    const { stdout } = await run(process.execPath, [PROGRAM], { timeout: ENDS_WITHIN_MS, env });
    return stdout.trim().split('\n');
  };

  it.each([
    'never started',
    'stopped in the moment of its start',
    'that worked',
    'that called another one',
  ])('ends by itself, of one %s', async (scenario) => {
    expect(await said(scenario, suite.gatewayUrl, suite.natsUrl)).toEqual(['stopped']);
  });

  it('ends by itself, of one that nobody heard', async () => {
    const nobody = `127.0.0.1:${await closedPort()}`;
    expect(await said('that nobody heard', `http://${nobody}`, `nats://${nobody}`)).toEqual([
      'stopped',
    ]);
  });

  it('ends by itself, of one whose own call goes on, which is given up', async () => {
    const lines = await said('whose call goes on', suite.gatewayUrl, suite.natsUrl);
    expect(lines.sort()).toEqual(['stopped', 'unknown']);
  });
});
