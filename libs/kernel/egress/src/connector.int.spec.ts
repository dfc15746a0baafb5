import { createServer, type AddressInfo } from 'node:net';
import { guardedConnector } from './connector';
import { egressPolicy } from './policy';

describe('the guarded connector', () => {
  it('drops a connection that leads to a forbidden address by whatever way, before a byte is sent', async () => {
    const received: Buffer[] = [];
    const server = createServer((socket) => socket.on('data', (bytes) => received.push(bytes)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const resolve = jest.fn();
    const connect = guardedConnector(egressPolicy({ mode: 'production' }), resolve, 1_000);

    // An address as the host name is connected to without a look-up.
    const options = { hostname: '127.0.0.1', protocol: 'http:', port: String(port) };
    const fault = await new Promise((settle) =>
      connect(options, (error, socket) => {
        socket?.destroy();
        settle(error);
      }),
    );

    expect(fault).toMatchObject({ code: 'egress/address-refused' });
    expect(resolve).not.toHaveBeenCalled();
    await new Promise((closed) => server.close(closed));
    expect(received).toHaveLength(0);
  });
});
