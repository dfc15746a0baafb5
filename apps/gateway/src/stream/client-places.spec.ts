import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import { endWithin } from './client-places';

describe('a stream that ends', () => {
  it('gives its place back although the client takes nothing more', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const asked = once(server, 'request');
    const client = createConnection({ host: '127.0.0.1', port });
    client.on('error', () => undefined); // It is cut off.
    client.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    try {
      const [, response] = (await asked) as [IncomingMessage, ServerResponse];
      // More than the system keeps for a connection.
      response.write(Buffer.alloc(64 * 2 ** 20));
      const closed = once(response, 'close');
      endWithin(response, 20);
      await closed;
      expect(response.destroyed).toBe(true);
    } finally {
      client.destroy();
      server.closeAllConnections();
      server.close();
    }
  });
});
