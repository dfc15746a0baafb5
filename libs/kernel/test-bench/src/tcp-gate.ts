import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands between a service and a server, and can be shut: connections break, and new ones are refused. */
export class TcpGate {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private port = 0;

  private constructor(private readonly target: { readonly host: string; readonly port: number }) {
    this.server = createServer((client) => this.join(client));
  }

  /** @param url Of the server behind it, with its port. */
  static async open(url: string): Promise<TcpGate> {
    const { hostname, port } = new URL(url);
    const gate = new TcpGate({ host: hostname, port: Number(port) });
    await gate.open();
    return gate;
  }

  /** The same URL through the gate. */
  through(url: string): string {
    const gated = new URL(url);
    gated.hostname = '127.0.0.1';
    gated.port = String(this.port);
    return gated.href;
  }

  /** On the same port as before, if there was one. */
  async open(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(client: Socket): void {
    const server = connect(this.target);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
