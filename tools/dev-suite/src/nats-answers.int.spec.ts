import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { checkNats } from './nats-answers';

/** For servers that do answer, on a machine that may be busy. */
const PATIENT_MS = 60_000;

describe('a nats-server of somebody else', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  /** A server that says `greeting` and then `answer` to whatever it hears. */
  const serve = async (greeting: string, answer = 'PONG\r\n'): Promise<string> => {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.write(greeting);
      socket.on('data', (text) => {
        heard.push(text.toString());
        socket.write(answer);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const heard: string[] = [];
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    sockets.clear();
    heard.splice(0);
  });

  it('is fine when it has JetStream', () =>
    expect(
      checkNats(process.env['DOWNBEAT_TEST_NATS_URL'] ?? '', PATIENT_MS),
    ).resolves.toBeUndefined());

  it('is told user and password, or the token', async () => {
    const address = await serve('INFO {"jetstream":true}\r\n');
    await checkNats(`nats://ann:s%3Acret@${address}`, PATIENT_MS);
    await checkNats(`nats://t0ken@${address}`, PATIENT_MS);
    const [first, second] = heard.map((text) => JSON.parse(text.slice(8, text.indexOf('\r'))));
    expect(first).toMatchObject({ user: 'ann', pass: 's:cret' });
    expect(second).toMatchObject({ auth_token: 't0ken' });
  });

  it.each([
    ['without JetStream', 'INFO {"headers":true}\r\n', 'PONG\r\n', 'it has no JetStream'],
    [
      'that does not know us',
      'INFO {"jetstream":true}\r\n',
      "-ERR 'Authorization Violation'\r\n",
      "it says 'Authorization Violation'",
    ],
    ['that is another server', 'SSH-2.0-OpenSSH\r\n', '', 'what answers there is no nats-server'],
    ['that says nothing', '', '', 'no answer within 3000 ms'],
    ['that says nothing more', 'INFO {"jetstream":true}\r\n', '', 'no answer within 3000 ms'],
  ])('%s is refused in one sentence', async (_, greeting, answer, reason) => {
    const address = await serve(greeting, answer);
    const withinMs = reason.startsWith('no answer') ? undefined : PATIENT_MS;
    const refusal = checkNats(`nats://u:secret@${address}`, withinMs);
    await expect(refusal).rejects.toMatchObject({ name: 'SuiteError' });
    await expect(refusal).rejects.toThrow(
      `the nats-server of NATS_URL, ${address}, cannot be used: ${reason}`,
    );
  });

  it('with TLS is left to the processes', async () => {
    const address = await serve('INFO {"tls_required":true}\r\n', '');
    await expect(checkNats(`tls://${address}`, PATIENT_MS)).resolves.toBeUndefined();
  });

  it('whose name nobody knows is refused too', () =>
    expect(checkNats('nats://nowhere.invalid:4222', PATIENT_MS)).rejects.toThrow(
      /NATS_URL, nowhere.invalid:4222, cannot be used: E/,
    ));
});
