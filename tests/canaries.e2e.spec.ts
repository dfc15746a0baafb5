import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { eventually } from '@downbeat/test-bench';
import { connect, type NatsConnection } from 'nats';
import { Client } from 'pg';
import { Canary } from './support/canary';
import { Suite } from './support/suite';
import { TraceCollector } from './support/trace-collector';

jest.setTimeout(240_000);

const WORKSPACE = join(__dirname, '..');

/** Says everything it can about itself, and refuses what it cannot connect with. */
const TALKATIVE = `
  import { DownbeatService, secret } from '@downbeat/sdk';
  import { readFile } from 'node:fs/promises';
  import { inspect } from 'node:util';
  import { z } from 'zod';
  const service = new DownbeatService({
    gatewayUrl: process.env.GATEWAY_URL,
    natsUrl: process.env.NATS_URL,
    service: { service_name: process.env.NAME, service_version: '1.0.0' },
    onEvent: (event) => console.log(JSON.stringify(event), event),
  });
  const schema = z.object({
    pool: z.number(),
    license: secret(),
    database: z.object({ password: secret() }),
    tls: z.object({ key: secret() }),
    tokens: z.array(z.object({ value: secret() })),
    api_key: secret(),
  });
  const secretsOf = ({ license, database, tls, tokens, api_key }) =>
    [license, database.password, tls.key, ...tokens.map(({ value }) => value), api_key];
  const settings = service.configuration(schema, {
    waitMs: 60_000,
    lookUp: (reference) => readFile(process.env.SECRETS + '/' + reference.split(':')[1], 'utf8'),
    onChange: (next, before) => {
      const found = secretsOf(next);
      console.log('change', next, before, JSON.stringify([next, before]), \`\${found}\`);
      if (next.pool > 1)
        throw new Error('cannot reach db://' + found.map((one) => one.reveal()).join(':') + '@db');
    },
  });
  await service.start();
  await service.registered;
  console.log('registered');
  await settings.known();
  console.log('known', secretsOf(settings.current).map((one) => one.reveal().length).join());
  const say = () => {
    console.log(settings.current, settings.status(), inspect(service, { depth: 6, showHidden: true, getters: true }));
    console.error(JSON.stringify(process.report.getReport()));
  };
  process.on('SIGTERM', () => { say(); service.stop().then(() => process.exit(0)); });
  say();`;

describe('the secrets of configurations', () => {
  const [license, password, key, token, apiKey] = [
    ...['license', 'password', 'key', 'token', 'api-key'],
  ].map((name) => new Canary(name)) as [Canary, Canary, Canary, Canary, Canary];
  const canaries = [license, password, key, token, apiKey];
  /** Sent as it is, where the schema asks for a secret. */
  const plain = new Canary('plain');
  /** No secret: what finds no canary anywhere must find this one everywhere. */
  const control = new Canary('control');
  const name = `vault-${control.value}`;

  const directory = mkdtempSync(join(tmpdir(), 'downbeat-canaries-'));
  const messages: string[] = [];
  const answers: string[] = [];
  let suite: Suite;
  let collector: TraceCollector;
  let nats: NatsConnection;
  let child: ChildProcess | undefined;
  let saidByChild = '';

  beforeAll(async () => {
    collector = await TraceCollector.start();
    suite = await Suite.start({
      demo: false,
      settings: {
        DOWNBEAT_CONFIG_KEY: randomBytes(32).toString('base64'),
        LOG_LEVEL: 'trace',
        DEBUG: 'downbeat:*',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        NODE_OPTIONS: `--enable-source-maps --report-on-signal --report-dir=${directory}`,
        // A dump holds the environment of its process.
        CONTROL: control.value,
      },
    });
    nats = await connect({ servers: suite.natsUrl });
    nats.subscribe('>', {
      callback: (_, message) => {
        // Where a plain value comes in, as docs/configuration.md says.
        if (message.subject !== 'query.registry.seal-secret')
          messages.push(`${message.subject} ${message.headers?.toString()} ${message.string()}`);
      },
    });
    writeFileSync(join(directory, 'api-key'), apiKey.value);
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await nats?.close();
    await suite?.stop();
    await collector?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const request = async (method: string, path: string, body?: object) => {
    const answer = await suite.request(method, `/services/${name}${path}`, body);
    answers.push(JSON.stringify(answer.body));
    return answer;
  };
  const done = async (method: string, path: string, body: object) => {
    const { status, body: said } = await request(method, path, body);
    if (status !== 202 && status !== 200) throw new Error(`${path}: ${JSON.stringify(said)}`);
    return said;
  };
  const get = async (path: string) => (await request('GET', path)).body;
  const sealed = (canary: Canary, environment = 'development') =>
    done('POST', `/configurations/${environment}/seal`, { value: canary.value });
  const create = (configuration: object, environment = 'development') =>
    done('POST', '/configurations', { environment, configuration });
  const activate = (version: string, body: object = {}) =>
    done('POST', `/configurations/development/versions/${version}/activate`, body);
  const childSays = (text: string) =>
    eventually(
      () => saidByChild,
      // In full it would be told too much of.
      (said) => expect([text, said.includes(text)]).toEqual([text, true]),
      60_000,
    );

  it('reach the instance, in every place of a configuration', async () => {
    child = spawn(process.execPath, ['--input-type=module', '-e', TALKATIVE], {
      cwd: WORKSPACE,
      env: {
        ...{ PATH: process.env['PATH'], NAME: name, SECRETS: directory },
        ...{ GATEWAY_URL: suite.gatewayUrl, NATS_URL: suite.natsUrl },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (saidByChild += chunk.toString()));
    await childSays('registered');
    const secret = { type: 'string', writeOnly: true };
    await done('PUT', '', {
      configuration_schema: {
        properties: {
          license: secret,
          database: { properties: { password: secret } },
          tls: { $ref: '#/$defs/tls' },
          tokens: { items: { properties: { value: { anyOf: [secret, { type: 'null' }] } } } },
          api_key: secret,
        },
        $defs: { tls: { properties: { key: secret } } },
      },
    });
    await create({ license: await sealed(license, 'base') }, 'base');
    await create({
      pool: 1,
      database: { password: await sealed(password) },
      tls: { key: await sealed(key) },
      tokens: [{ value: await sealed(token) }],
      api_key: { $secret: { ref: 'vault:api-key' } },
    });
    await activate('1');
    await childSays(`known ${canaries.map(({ value }) => value.length).join()}`);
  });

  it.each([
    ['development', { database: { password: plain.value } }, 'database.password'],
    ['development', { tls: { key: plain.value } }, 'tls.key'],
    ['development', { tokens: [{ value: plain.value }] }, 'tokens.0.value'],
    ['development', { api_key: { [plain.value]: plain.value } }, 'api_key'],
    ['base', { license: plain.value }, 'license'],
  ])('are refused in %s when they are sent as they are: %j', async (environment, said, place) => {
    const { status, body } = await request('POST', '/configurations', {
      environment,
      configuration: said,
    });
    expect([status, body['errors']]).toEqual([
      400,
      expect.arrayContaining([
        { field: `configuration.${place}`, message: expect.stringContaining('is secret') },
      ]),
    ]);
  });

  it('are not in what an instance says of why it refuses one', async () => {
    const kept = { $secret: { kept_from: '1' } };
    await create({
      pool: 2,
      database: { password: kept },
      tls: { key: kept },
      tokens: [{ value: kept }],
      api_key: { $secret: { ref: 'vault:api-key' } },
    });
    await activate('2', { gate: { observe_seconds: 600 } });
    await eventually(
      () => get('/configurations/development/activations'),
      ({ activations }) =>
        expect(activations).toMatchObject([{ cause: 'revert' }, { status: 'reverted' }, {}]),
      30_000,
    );
    await childSays(`cannot reach db://${canaries.map(() => '***').join(':')}@db`);
    for (const path of ['', '/development/versions/1', '/development/effective'])
      await get(`/configurations${path}`);
    for (const path of ['/development/instances', '/development/diff?to=2'])
      await get(`/configurations${path}`);
  });

  describe('are found nowhere, while what is no secret is found everywhere:', () => {
    const dumps = () =>
      readdirSync(directory)
        .filter((file) => file.endsWith('.json'))
        .map((file) => readFileSync(join(directory, file)));
    const files = (isAskedFor: (path: string) => boolean) =>
      readdirSync(suite.dir, { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile())
        .map(({ parentPath, name: file }) => join(parentPath, file))
        .filter((path) => isAskedFor(relative(suite.dir, path)))
        .map((path) => readFileSync(path));
    const found = (said: readonly (string | Buffer)[], among: readonly Canary[]) =>
      said.filter((one) => among.some((canary) => canary.isIn(one))).length;
    const expectNoneIn = (said: readonly (string | Buffer)[], among = [...canaries, plain]) => {
      expect(found(said, [control])).toBeGreaterThan(0);
      expect(found(said, among)).toBe(0);
    };

    it('messages', () => {
      expectNoneIn(messages, canaries);
      // Whoever sends one as it is sends it to the registry, and nothing sends it on.
      expectNoneIn(messages.filter((one) => !one.startsWith('command.registry.CreateConf')));
    });
    it('answers', () => expectNoneIn(answers));
    it('tables', async () => expectNoneIn(await rowsOf(suite.databaseUrl)));
    it('logs', () => expectNoneIn(files((path) => path.startsWith('logs'))));
    it('files of the database', () => expectNoneIn(files((path) => path.startsWith('postgres'))));
    it('files of NATS', () =>
      expectNoneIn(
        files((path) => path.startsWith('nats')),
        canaries,
      ));

    it('dumps of the apps', async () => {
      for (const app of suite.apps.values()) process.kill(app.pid, 'SIGUSR2');
      await eventually(dumps, (all) => expect(all).toHaveLength(suite.apps.size), 30_000);
      await eventually(dumps, (all) => all.every((one) => JSON.parse(one.toString()) as object));
      expectNoneIn(dumps());
    });

    it('what the instance says of itself', async () => {
      if (!child) throw new Error('there is no instance');
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      expect(saidByChild).toContain('Secret(***)');
      expectNoneIn([saidByChild]);
    });

    it('traces', async () => {
      // What was asked last is handed over at the end.
      for (const app of suite.apps.values()) await app.stop();
      const apps = ['gateway', 'registry', 'health', 'saga', 'orchestrator'];
      for (const app of apps)
        expect([app, collector.received.some((one) => one.includes(app))]).toEqual([app, true]);
      expectNoneIn(collector.received);
    });
  });
});

async function rowsOf(databaseUrl: string): Promise<readonly string[]> {
  const client = new Client(databaseUrl);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(
        `select t::text as text from ${name} t`,
      );
      texts.push(...rows.map(({ text }) => text));
    }
    return texts;
  } finally {
    await client.end();
  }
}
