import { TestBench } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { connect, type NatsConnection } from 'nats';
import {
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Body = NonNullable<Parameters<TestBench['command']>[1]>;
interface SealedBox {
  readonly public_key: string;
  readonly iv: string;
  readonly ciphertext: string;
}
interface Keys {
  readonly current_key_id: string;
  readonly keys: readonly { readonly key_id: string; readonly data_keys: number }[];
}

const CANARIES = ['base', 'password', 'in-a-list', 'replaced', 'plain', 'misplaced'].map(
  (name) => `canary-${name}-${randomBytes(8).toString('hex')}`,
);
const [BASE, PASSWORD, LISTED, REPLACED, PLAIN, MISPLACED] = CANARIES as [
  ...[string, string, string, string, string, string],
];
/** As it is, and as it would stand in a token, a header or a column of bytes. */
const FORMS = CANARIES.flatMap((canary) => [
  canary,
  Buffer.from(canary).toString('base64').replace(/=+$/, '').slice(0, -1),
  Buffer.from(canary).toString('hex'),
]);
const canariesIn = (text: string) => FORMS.filter((form) => text.includes(form));

const key = () => randomBytes(32).toString('base64');
const OLD = key();
const NEW = key();
const of = { service_id: 'shop', environment: 'production' };

/** As an instance does it. */
function openBox(
  privateKey: Parameters<typeof diffieHellman>[0]['privateKey'],
  box: SealedBox,
  checksum: string,
) {
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: box.public_key },
    format: 'jwk',
  });
  const shared = diffieHellman({ privateKey, publicKey });
  const derived = Buffer.from(hkdfSync('sha256', shared, '', 'downbeat configuration', 32));
  const sealed = Buffer.from(box.ciphertext, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', derived, Buffer.from(box.iv, 'base64url'))
    .setAAD(Buffer.from(checksum))
    .setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return JSON.parse(plain.toString()) as object;
}

describe('secrets in configurations', () => {
  const directory = mkdtempSync(join(tmpdir(), 'downbeat-secrets-'));
  const logFile = join(directory, 'registry.log');
  const keyFile = join(directory, 'key');
  /** Everything that anybody was answered. */
  const answered: string[] = [];
  /** Everything on NATS but the one question that takes a value in. */
  const overheard: string[] = [];
  let bench: TestBench;
  let registry: AppProcess;
  let nats: NatsConnection;

  beforeAll(async () => {
    bench = await TestBench.start({ services: [] });
    nats = await connect({ servers: bench.natsUrl });
    for (const subject of [`${bench.prefix}.>`, '_INBOX.>'])
      nats.subscribe(subject, {
        callback: (_, message) => {
          if (message.subject === `${bench.prefix}.query.registry.seal-secret`) return;
          overheard.push(
            `${message.subject} ${message.headers?.toString() ?? ''} ${message.string()}`,
          );
        },
      });
    registry = new AppProcess({
      name: 'registry',
      program: join(__dirname, '..', 'dist', 'main.js'),
      environment: {
        ...{ ...bench.settings, HOST: '127.0.0.1', LOG_LEVEL: 'trace' },
        NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --report-on-signal --report-signal=SIGHUP --report-directory=${directory} --diagnostic-dir=${directory}`,
      },
      logFile,
    });
    writeFileSync(keyFile, OLD);
    await registry.start({ DOWNBEAT_CONFIG_KEY_FILE: keyFile });
  });
  afterAll(async () => {
    await registry?.stop();
    await nats?.close();
    await bench?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** What a process has written of itself, when all of it is there. */
  const dumped = (type: string): Promise<Buffer> => {
    const named = () => readdirSync(directory).find((name) => name.endsWith(`.${type}`));
    const path = () => join(directory, named() ?? '');
    return bench.eventually(
      () => readFileSync(path()),
      (written) => {
        expect(written.subarray(-4).toString().trim()).toMatch(/}$/);
        // What was written up to the end of an inner part ends like the whole.
        JSON.parse(written.toString());
      },
      60_000,
    );
  };
  const noted = <Answer>(answer: Answer): Answer => {
    answered.push(JSON.stringify(answer));
    return answer;
  };
  const command = async (name: string, id: string, body: Body) =>
    noted(await bench.command(`command.registry.${name}.${id}`, body));
  const accepted = async (name: string, id: string, body: Body) => {
    const outcome = await command(name, id, body);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
    return outcome.answer;
  };
  const ask = async <Answer>(name: string, input: Body = {}): Promise<Answer> => {
    const outcome = noted(await bench.query(`query.registry.${name}`, input));
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
    return outcome.data as Answer;
  };
  const seal = (value: string, environment = 'production') =>
    ask<Body>('seal-secret', { service_id: 'shop', environment, value });
  const create = (configuration: Body, more: Body = {}) =>
    ({ environment: 'production', configuration, ...more }) as Body;
  const asInstance = async (more: Body = {}) => {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const found = await ask<{ checksum: string; is_changed: boolean; sealed?: SealedBox }>(
      'instance-configuration',
      { ...of, instance_id: 'shop-1', public_key: publicKey.export({ format: 'jwk' }).x, ...more },
    );
    return found.sealed && openBox(privateKey, found.sealed, found.checksum);
  };
  const inForce = {
    database: { host: 'db', password: PASSWORD, pool: 5 },
    keys: [{ name: 'a', value: LISTED }],
    license: BASE,
    token: { $secret: { ref: 'env:TOKEN' } },
  };

  it('are sealed, kept and given to instances alone', async () => {
    await accepted('RegisterService', 'shop', {
      ...{ service_version: '1.0.0', service_type: 'api', dependencies: [] },
      deployment_environment: 'production',
      configuration_schema: {
        properties: {
          database: { properties: { password: { type: 'string' }, pool: { type: 'integer' } } },
        },
      },
    });
    await accepted('RegisterInstance', 'shop-1', {
      ...{ service_id: 'shop', node_name: 'n', ip_address: '10.0.0.7', port: 3000 },
      version: '1.0.0',
    });
    await accepted('CreateConfiguration', 'shop', {
      environment: 'base',
      configuration: {
        license: await seal(BASE, 'base'),
        token: { $secret: { ref: 'env:TOKEN' } },
      },
    });
    const database = { host: 'db', password: await seal(PASSWORD), pool: 5 };
    const keys = [{ name: 'a', value: await seal(LISTED) }];
    await accepted('CreateConfiguration', 'shop', create({ database, keys }));
    await accepted('ActivateConfiguration', 'shop', { ...of, config_version: '1' });

    expect(await asInstance()).toEqual(inForce);
    const shown = await ask<{ configuration: object; checksum: string }>(
      'effective-configuration',
      of,
    );
    const masked = { $secret: '***', key_id: expect.stringMatching(/^[0-9a-f]{16}$/) };
    expect(shown.configuration).toEqual({
      database: { host: 'db', password: masked, pool: 5 },
      keys: [{ name: 'a', value: masked }],
      license: masked,
      token: { $secret: { ref: 'env:TOKEN' } },
    });
    expect(await asInstance({ checksum: shown.checksum })).toBeUndefined();
    expect(await ask('list-configurations', { service_id: 'shop' })).toMatchObject({
      configurations: [{ is_encrypted: true, secrets_refs: ['env:TOKEN'] }, { is_encrypted: true }],
    });
  });

  it('are refused where they do not belong, and what is refused is kept nowhere', async () => {
    const refused = async (body: Body) => {
      const outcome = await command('CreateConfiguration', 'shop', body);
      return outcome.accepted ? 'accepted' : outcome.problem.code;
    };
    expect(await refused(create({ key: { $secret: { value: PLAIN } } }))).toBe('invalid-input');
    expect(await refused(create({ key: { $secret: PLAIN } }))).toBe('invalid-input');
    expect(await refused({ ...create({}), secret: PLAIN })).toBe('invalid-input');
    const misplaced = await seal(MISPLACED, 'staging');
    expect(await refused(create({ key: misplaced }))).toBe('secret-not-sealed-here');
    expect(await refused(create({ database: { pool: await seal(MISPLACED) } }))).toBe(
      'configuration-invalid',
    );
    expect(await refused(create({ license: { $secret: { kept_from: '9' } } }))).toBe(
      'no-secret-to-keep',
    );
    expect(await bench.deadLetters()).toEqual([]);
    const stranger = await bench.query('query.registry.instance-configuration', {
      ...{ ...of, instance_id: 'nobody' },
      public_key: 'A'.repeat(43),
    });
    expect(stranger).toMatchObject({ ok: false, problem: { code: 'instance-unknown' } });
    const inTheNameOf = (service: string) =>
      bench.query(`query.registry.instance-configuration.${service}`, {
        ...{ ...of, instance_id: 'shop-1' },
        public_key: generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x ?? '',
      });
    expect(await inTheNameOf('shop')).toMatchObject({
      ok: true,
      data: { secrets: ['/license', '/database/password', '/keys/0/value'] },
    });
    // Whoever may ask in this name only, asks in vain for another service.
    expect(await inTheNameOf('billing')).toMatchObject({
      ok: false,
      problem: { code: 'invalid-input', errors: [{ field: 'service_id' }] },
    });
    // A point of small order: everybody would know what is shared with it.
    await expect(asInstance({ public_key: 'A'.repeat(43) })).rejects.toThrow('public_key');
  });

  it('differ from version to version without being shown, and come back with a rollback', async () => {
    const database = { host: 'db', password: await seal(REPLACED), pool: 6 };
    await accepted('CreateConfiguration', 'shop', create({ database }));
    const { differences } = await ask<{ differences: { path: string }[] }>('diff-configurations', {
      ...of,
      to: '2',
    });
    expect(differences.map(({ path }) => path)).toEqual([
      ...['/database/password', '/database/pool', '/keys'],
    ]);
    const { checksum } = await accepted('ActivateConfiguration', 'shop', {
      ...{ ...of, config_version: '2', gate: { observe_seconds: 3_600 } },
    });
    expect(await asInstance()).toMatchObject({ database: { password: REPLACED } });
    await accepted('AcknowledgeConfiguration', 'shop-1', {
      ...{ ...of, checksum, outcome: 'refused', reason: 'no' },
    });
    await bench.eventually(asInstance, (found) => expect(found).toEqual(inForce));
  });

  it('stay in a version whose author does not know them', async () => {
    const kept = { $secret: { kept_from: '1' } };
    const database = { host: 'db-2', password: kept };
    await accepted('CreateConfiguration', 'shop', create({ database }, { config_version: 'kept' }));
    await accepted('ActivateConfiguration', 'shop', { ...of, config_version: 'kept' });
    expect(await asInstance()).toMatchObject({
      ...{ license: BASE, database: { host: 'db-2', password: PASSWORD } },
    });
    await accepted('RollbackConfiguration', 'shop', { ...of, config_version: '1', reason: 'r' });
  });

  it.each([
    {
      dump: 'diagnostic report',
      signal: 'SIGHUP',
      type: 'json',
      holds: 'DOWNBEAT_CONFIG_KEY_FILE',
    },
    { dump: 'heap snapshot', signal: 'SIGUSR2', type: 'heapsnapshot', holds: 'SecretKeeper' },
  ] as const)('are in no $dump of the process that opened them, nor is its key', async (one) => {
    registry.signal(one.signal);
    const dump = await dumped(one.type);
    const found = [...FORMS, OLD].filter((text) => dump.includes(text));
    // It is a dump of this process, and not an empty one.
    expect([dump.includes(one.holds), found]).toEqual([true, []]);
  });

  it('move to a new key while they are read, and then the old one is needed no more', async () => {
    await registry.stop();
    await registry.start({ DOWNBEAT_CONFIG_KEY: `${NEW},${OLD}` });
    expect(await asInstance()).toEqual(inForce);
    const moved = await bench.eventually(
      () => ask<Keys>('secret-keys'),
      ({ keys, current_key_id }) => keys.every(({ key_id }) => key_id === current_key_id),
    );
    expect(moved.keys).toEqual([
      { key_id: moved.current_key_id, is_known: true, data_keys: expect.any(Number) },
    ]);
    await registry.stop();
    await registry.start({ DOWNBEAT_CONFIG_KEY: NEW });
    expect(await asInstance()).toEqual(inForce);
    await registry.stop();
    await registry.start({ DOWNBEAT_CONFIG_KEY: OLD });
    await expect(asInstance()).rejects.toThrow('internal');
  });

  it('are found nowhere: no table, log, answer or message', async () => {
    const tables = await bench.rows<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
      [],
    );
    let rows = 0;
    for (const { name } of tables)
      for (const { text } of await bench.rows<{ text: string }>(
        `select t::text as text from ${name} t`,
        [],
      )) {
        rows++;
        expect([name, canariesIn(text)]).toEqual([name, []]);
      }
    expect(rows).toBeGreaterThan(20);
    const log = readFileSync(logFile, 'utf8');
    expect(log.length).toBeGreaterThan(1_000);
    expect(canariesIn(log)).toEqual([]);
    expect(canariesIn(answered.join('\n'))).toEqual([]);
    // The refused commands of a sender that put plain values on the bus itself are all that has any.
    const withAny = overheard.filter((said) => canariesIn(said).length > 0);
    const isOwnDoing = (said: string) =>
      canariesIn(said).every((form) => FORMS.slice(12, 15).includes(form)) &&
      said.includes('command.registry.CreateConfiguration');
    expect(withAny.filter((said) => !isOwnDoing(said))).toEqual([]);
    expect(overheard.length).toBeGreaterThan(50);
  });
});
