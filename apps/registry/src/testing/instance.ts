import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A running service of somebody's, which works, fails or hangs as it is told. */
export class Instance {
  answers: 'ok' | 'fails' | 'hangs' = 'ok';
  /** The status of what is asked there, whatever else it does. */
  readonly statuses: Record<string, number> = {};
  readonly paths: string[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Instance> {
    const server = createServer();
    const instance = new Instance(server);
    server.on('request', ({ url = '' }, response) => {
      instance.paths.push(url);
      const status = instance.statuses[url];
      if (status !== undefined) response.writeHead(status).end();
      else if (instance.answers !== 'hangs')
        response.writeHead(instance.answers === 'ok' ? 200 : 503).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return instance;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
