import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, type RunningNats } from '@downbeat/local-servers';
import { connect, nkeys, type NatsConnection } from 'nats';
import { dialOptions } from './dial-options';
import type { NatsIdentity } from './nats-address';

const CERTIFICATES = join(__dirname, 'testing', 'certificates');
const pem = (name: string) => join(CERTIFICATES, `${name}.pem`);

describe('a nats-server that is dialled', () => {
  const folder = mkdtempSync(join(tmpdir(), 'downbeat-dial-'));
  const running: RunningNats[] = [];
  let servers = 0;
  afterEach(() => Promise.all(running.splice(0).map((server) => server.stop())));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const serving = async (moreConfig: string): Promise<RunningNats> => {
    const dataDir = join(folder, `${++servers}`);
    const server = await startNats({ dataDir, tellsSessions: false, moreConfig });
    running.push(server);
    return server;
  };
  /** What somebody who dials so is told by the server, or why not. */
  const dialled = async (url: string, identity: NatsIdentity = {}): Promise<string> => {
    let connection: NatsConnection | undefined;
    try {
      connection = await connect({
        ...dialOptions({ url, ...identity }),
        ...{ reconnect: false, timeout: 5_000 },
      });
      const answered = connection.subscribe('echo', {
        max: 1,
        callback: (_, message) => void message.respond(message.data),
      });
      const answer = await connection.request('echo', 'yes', { timeout: 5_000 });
      expect(answered.isClosed()).toBe(true);
      return answer.string();
    } catch (fault) {
      return fault instanceof Error ? fault.message : String(fault);
    } finally {
      await connection?.close();
    }
  };
  const tls = (more = '') =>
    `tls { cert_file: "${pem('server')}", key_file: "${pem('server-key')}"${more} }`;

  it('over TLS is talked to when its certificate can be trusted, and not otherwise', async () => {
    const { port } = await serving(tls());
    for (const url of [`tls://localhost:${port}`, `tls://127.0.0.1:${port}`])
      expect(await dialled(url, { caFile: pem('ca') })).toBe('yes');
    expect(await dialled(`tls://localhost:${port}`)).toMatch(/certificate/);
    expect(await dialled(`tls://localhost:${port}`, { caFile: pem('other-ca') })).toMatch(
      /certificate/,
    );
    expect(await dialled(`tls://localhost:${port}`, { caFile: pem('nothing') })).toMatch(
      /doesn't exist/,
    );
  });

  it('that asks for a certificate is shown one', async () => {
    const { port } = await serving(tls(`, ca_file: "${pem('ca')}", verify: true`));
    const url = `tls://localhost:${port}`;
    const caFile = pem('ca');
    expect(
      await dialled(url, { caFile, certFile: pem('client'), keyFile: pem('client-key') }),
    ).toBe('yes');
    expect(await dialled(url, { caFile })).not.toBe('yes');
  });

  it('without TLS is told nothing by who wants TLS: no password either', async () => {
    const { port } = await serving('');
    expect(await dialled(`nats://127.0.0.1:${port}`)).toBe('yes');
    expect(await dialled(`tls://shop:secret@127.0.0.1:${port}`)).not.toBe('yes');
    expect(await dialled(`nats://127.0.0.1:${port}`, { caFile: pem('ca') })).not.toBe('yes');
  });

  it('knows users by password, and by token', async () => {
    const users = await serving('authorization { users: [{ user: shop, password: "p/@" }] }');
    const at = `127.0.0.1:${users.port}`;
    expect(await dialled(`nats://shop:p%2F%40@${at}`)).toBe('yes');
    expect(await dialled(`nats://shop:wrong@${at}`)).toMatch(/Authorization/i);
    expect(await dialled(`nats://${at}`)).toMatch(/Authorization/i);
    const token = await serving('authorization { token: "t0ken" }');
    expect(await dialled(`nats://t0ken@127.0.0.1:${token.port}`)).toBe('yes');
    expect(await dialled(`nats://other@127.0.0.1:${token.port}`)).toMatch(/Authorization/i);
  });

  it('knows users by nkey, whose seed is read when it is needed', async () => {
    const pair = nkeys.createUser();
    const { port } = await serving(`authorization { users: [{ nkey: ${pair.getPublicKey()} }] }`);
    const nkeyFile = join(folder, 'user.nk');
    const url = `nats://127.0.0.1:${port}`;
    expect(await dialled(url, { nkeyFile })).toMatch(/ENOENT/);
    writeFileSync(nkeyFile, `${Buffer.from(nkeys.createUser().getSeed()).toString()}\n`);
    expect(await dialled(url, { nkeyFile })).toMatch(/Authorization/i);
    writeFileSync(nkeyFile, `${Buffer.from(pair.getSeed()).toString()}\n`);
    expect(await dialled(url, { nkeyFile })).toBe('yes');
  });

  it('knows users by credentials that an account signed', async () => {
    const { config, creds } = decentralised();
    const { port } = await serving(config);
    const credsFile = join(folder, 'user.creds');
    writeFileSync(credsFile, creds);
    expect(await dialled(`nats://127.0.0.1:${port}`, { credsFile })).toBe('yes');
    writeFileSync(
      credsFile,
      creds.replace(/\n(ey[^\n]*)\n/, (all) => all.slice(0, -9) + 'AAAAAAAA\n'),
    );
    expect(await dialled(`nats://127.0.0.1:${port}`, { credsFile })).not.toBe('yes');
  });
});

/** An operator, an account and a user, as `nsc` makes them: JWTs signed with Ed25519 nkeys. */
function decentralised() {
  const [operator, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const signed = (
    issuer: typeof operator,
    subject: typeof operator,
    nats: object,
    name: string,
  ): string => {
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      ...{ jti: name, iat: 1_577_836_800, iss: issuer.getPublicKey() },
      ...{ name, sub: subject.getPublicKey(), nats: { ...nats, version: 2 } },
    };
    const text = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64(claims)}`;
    const signature = issuer.sign(new TextEncoder().encode(text));
    return `${text}.${Buffer.from(signature).toString('base64url')}`;
  };
  const limits = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1 };
  const accountJwt = signed(
    operator,
    account,
    {
      type: 'account',
      limits: { ...limits, wildcards: true },
      default_permissions: { pub: {}, sub: {} },
    },
    'SUITE',
  );
  const userJwt = signed(
    account,
    user,
    { type: 'user', pub: {}, sub: {}, subs: -1, data: -1, payload: -1 },
    'shop',
  );
  const operatorJwt = signed(operator, operator, { type: 'operator' }, 'O');
  const part = (name: string, text: string) =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
  return {
    config: [
      'jetstream: false',
      `operator: ${operatorJwt}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ].join('\n'),
    creds:
      part('NATS USER JWT', userJwt) +
      part('USER NKEY SEED', Buffer.from(user.getSeed()).toString()),
  };
}
