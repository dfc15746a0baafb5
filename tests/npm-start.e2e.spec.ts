import { freePort } from '@downbeat/local-servers';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { eventually } from '@downbeat/test-bench';
import {
  environment,
  NpmStart,
  runToEnd,
  survivors,
  WORKSPACE,
  type Ended,
} from './support/npm-start';
import { blockOf, commandsOf, placeNatsTool } from './support/printed-commands';

const PROCESSES = [
  ...['nats', 'postgres'],
  ...['gateway', 'health', 'orchestrator', 'registry', 'saga'],
  ...['catering', 'notification', 'payment', 'photographer', 'venue'],
];
const COMPILED = join(WORKSPACE, 'apps', 'gateway', 'dist', 'main.js');
const readme = readFileSync(join(WORKSPACE, 'README.md'), 'utf8');
const messages = readFileSync(join(WORKSPACE, 'docs', 'messages.md'), 'utf8');

interface Listed {
  readonly workflows: readonly { readonly id: string; readonly current_status: string }[];
}

/** In order: each step goes on where the one before it has left the suite. */
describe('npm start', () => {
  let folder: string;
  let port: number;
  let compiledAt: number;
  let suite: NpmStart;
  const stopsMs: number[] = [];

  const start = async (): Promise<void> => {
    suite = new NpmStart(join(folder, '.downbeat'), port);
    await suite.ready();
  };
  const stopsWithoutRest = async (): Promise<void> => {
    const family = suite.family();
    expect(family.length).toBeGreaterThan(PROCESSES.length);
    const began = Date.now();
    suite.kill('SIGTERM');
    await suite.exited;
    stopsMs.push(Date.now() - began);
    await eventually(
      () => survivors(family),
      (left) => expect(left).toEqual([]),
    );
    expect(existsSync(join(suite.dataDir, 'run.json'))).toBe(false);
  };
  const get = async <Body>(path: string): Promise<Body> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/orchestration${path}`);
    if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as Body;
  };
  const orderEnds = (order: string, current_status: string): Promise<unknown> =>
    eventually(
      () => get<Listed>(`/workflows?correlation_id=${order}`),
      ({ workflows }) => expect(workflows).toMatchObject([{ current_status }]),
      30_000,
    );
  /** As typed at a prompt in a folder where `.downbeat` is. */
  const typed = (text: string): Promise<Ended> => {
    const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter);
    return runToEnd('bash', ['-euc', text], { cwd: folder, env: environment({ PATH }) });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'downbeat-npm-start-'));
    mkdirSync(join(folder, 'bin'));
    placeNatsTool(join(folder, 'bin'));
    symlinkSync(join(WORKSPACE, 'node_modules'), join(folder, 'node_modules'));
    port = await freePort();
    compiledAt = statSync(COMPILED).birthtimeMs;
    await start();
  }, 180_000);
  afterAll(async () => {
    suite.kill('SIGTERM');
    await suite.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves what is compiled in its place: another suite may be running from it', () =>
    expect(statSync(COMPILED).birthtimeMs).toBe(compiledAt));

  it('ends with ready, and says in run.json what runs where', async () => {
    const run = suite.runFile();
    const last = suite.lines.findIndex((line) => line.startsWith('ready '));
    expect(suite.lines.slice(last - 1, last + 1)).toEqual([
      `NATS at ${run.nats_url} (nats_url in ${join(suite.dataDir, 'run.json')})`,
      `ready http://127.0.0.1:${port}`,
    ]);
    expect(run.gateway_url).toBe(`http://127.0.0.1:${port}`);
    expect(run.database_url).toMatch(/^postgres:/);
    expect(run.processes.map(({ name }) => name).sort()).toEqual([...PROCESSES].sort());
    for (const { pid, url } of run.processes) {
      expect(process.kill(pid ?? 0, 0)).toBe(true);
      expect(url).toMatch(/^(http|nats|postgres):/);
    }
    expect((await fetch(`${run.gateway_url}/health/ready`)).status).toBe(200);
  });

  it('can keep secret values of configurations, under a key of its own', async () => {
    expect(statSync(join(suite.dataDir, 'configuration-key')).mode & 0o777).toBe(0o600);
    const path = '/api/orchestration/services/billing/configurations/development/seal';
    const sealed = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"value":"s3cret"}',
    });
    expect([sealed.status, await sealed.json()]).toMatchObject([
      200,
      { $secret: { sealed: expect.any(String) } },
    ]);
  });

  it('has a demo that books two weddings and finds nothing amiss', async () => {
    const env = environment({ DOWNBEAT_DATA_DIR: suite.dataDir });
    const { code, output } = await runToEnd('npm', ['run', 'demo'], { cwd: WORKSPACE, env });
    expect([code, output]).toEqual([0, expect.any(String)]);
    const [paid = '', refused = ''] = output.split(/\n(?=wedding-\w+-refused )/);
    expect(paid).toMatch(/wedding-\w+-paid {2}completed after \d+ ms/);
    expect(refused).toMatch(/^wedding-\w+-refused {2}compensated after \d+ ms/);
    for (const undo of ['/holds/release', '/orders/cancel', '/bookings/cancel']) {
      expect(refused).toContain(undo);
      expect(paid).not.toContain(undo);
    }
    for (const invariant of ['double bookings', 'captured without a venue', 'holds leaked'])
      expect(output).toMatch(new RegExp(`^${invariant} 0$`, 'm'));
  });

  it('does what the README says', async () => {
    writeFileSync(join(folder, 'book-hall.yaml'), blockOf(readme, 'yaml'));
    const commands = commandsOf(readme, 'Use it');
    const seen = new Map<string, string>();
    const placed: Record<string, string> = {};
    let exported = '';
    for (const command of commands) {
      if (command.startsWith('export ')) {
        exported = `${command}\n`;
        continue;
      }
      const text = command
        .replaceAll('localhost:8080', `localhost:${port}`)
        .replace(/<(workflow_id|position)>/g, (_, name: string) => String(placed[name]));
      // What streams does not end by itself; curl says 28 then.
      const isEndless = text.includes('curl -N');
      const { code, output } = await typed(
        exported + text.replace('curl', `curl -sS --max-time ${isEndless ? 10 : 45}`),
      );
      expect([command, output, code]).toEqual([command, output, isEndless ? 28 : 0]);
      expect(output).not.toMatch(/"code":|"accepted":false/);
      seen.set(command, output);

      const started = /"workflow_id":"([^"]+)"/.exec(output)?.[1];
      const position = /"position":(\d+)/.exec(output)?.[1];
      if (started && position && !placed['workflow_id'])
        Object.assign(placed, { workflow_id: started, position });
      if (command.includes('order-4711')) await orderEnds('order-4711', 'completed');
      if (command.startsWith('nats')) await orderEnds('order-4712', 'compensated');
    }

    const answers = [...seen].map(([command, output]) => ({ command, output }));
    const about = (part: string) =>
      answers.find(({ command }) => command.includes(part))?.output ?? `no command has ${part}`;
    expect(about('/status')).toContain('"current_status":"completed"');
    expect(about('?at=')).toMatch(/"current_status":"(pending|running)"/);
    expect(about('?status=compensated')).toContain('order-4712');
    expect(about('/stream')).toContain('id: 1\ndata: ');
    expect(about('/events?')).toContain('WorkflowStarted');
    expect(about('/replay')).not.toContain('first_difference');
    expect(about('/verify')).toContain('"is_intact":true');
    expect(about('/verify')).toContain('"is_equal":true');
  });

  it('answers the examples of docs/messages.md', async () => {
    const toolkit = `${blockOf(messages, 'sh')}\n${/^nats req command\.registry\.RegisterService.*$/m.exec(messages)?.[0]}`;
    expect(await typed(toolkit)).toEqual({
      code: 0,
      output: expect.stringContaining('"service_id":"billing"') as string,
    });
    writeFileSync(join(folder, 'example.mjs'), blockOf(messages, 'js'));
    expect(await typed(`${blockOf(messages, 'sh')}\nnode example.mjs`)).toEqual({
      code: 0,
      output: expect.stringMatching(/accepted: true[\s\S]*service_id: 'billing'/) as string,
    });
  });

  it('stops within 10 s and leaves no process, and goes on with the data', async () => {
    await stopsWithoutRest();
    await start();
    expect(suite.lines.join('\n')).not.toContain('installing');
    await orderEnds('order-4711', 'completed');
    await orderEnds('order-4712', 'compensated');
    await stopsWithoutRest();
    // One of them may have met a busy moment.
    expect(Math.min(...stopsMs)).toBeLessThan(10_000);
  }, 400_000);
});
