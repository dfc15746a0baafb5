import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

describe('npm run demo without a suite', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'demo-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const demo = (): Promise<Ended> => {
    const child = spawn(process.execPath, [join(__dirname, 'demo.mjs')], {
      env: { PATH: process.env['PATH'], DOWNBEAT_DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (said += text.toString()));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
  };
  const runFile = (text: string): Promise<void> => writeFile(join(dataDir, 'run.json'), text);
  const listening = (server: Server): Promise<number> =>
    new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
  const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

  it('says that none runs', async () =>
    expect(await demo()).toEqual({
      code: 1,
      said: `no suite runs on ${dataDir}: start one with npm start\n`,
    }));

  it('says where it asked in vain when the last one was killed and left its run.json', async () => {
    const server = createServer();
    const gateway_url = `http://127.0.0.1:${await listening(server)}`;
    await closed(server);
    await runFile(JSON.stringify({ gateway_url, processes: [] }));
    expect(await demo()).toEqual({
      code: 1,
      said: `no suite answers at ${gateway_url}, the gateway of ${join(dataDir, 'run.json')}: start one with npm start\n`,
    });
  });

  it('says so when another program has the port now', async () => {
    const server = createServer((_, response) => response.writeHead(404).end());
    const gateway_url = `http://127.0.0.1:${await listening(server)}`;
    await runFile(JSON.stringify({ gateway_url, processes: [] }));
    const { code, said } = await demo();
    expect(code).toBe(1);
    expect(said).toMatch(/^no suite answers at .*\n$/);
    await closed(server);
  });

  it.each(['', 'null', '{}', '{"gateway_url": 7}'])('says that %p is no run.json', async (text) => {
    await runFile(text);
    expect(await demo()).toEqual({
      code: 1,
      said: `${join(dataDir, 'run.json')} names no gateway: start a suite with npm start\n`,
    });
  });
});
