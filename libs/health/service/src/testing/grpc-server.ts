import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A gRPC server of somebody's with the standard health service. */
export class GrpcServer {
  /** By service; the empty name is the server as a whole. `hangs` answers nothing. */
  readonly says = new Map<string, 'SERVING' | 'NOT_SERVING' | 'hangs'>([['', 'SERVING']]);
  private readonly sessions = new Set<ServerHttp2Session>();

  private constructor(private readonly server: Http2Server) {}

  static async start(): Promise<GrpcServer> {
    const server = createServer();
    const grpc = new GrpcServer(server);
    server.on('session', (session) => {
      grpc.sessions.add(session);
      session.on('close', () => grpc.sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const body = Buffer.concat(chunks);
        const service = body.subarray(7).toString();
        const said = grpc.says.get(service);
        if (said === 'hangs') return;
        const isKnown = headers[':path'] === '/grpc.health.v1.Health/Check' && said !== undefined;
        const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' };
        if (!isKnown) {
          stream.respond({ ...grpcHeaders, 'grpc-status': '5' }, { endStream: true });
          return;
        }
        stream.respond(grpcHeaders, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, said === 'SERVING' ? 1 : 2]));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return grpc;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.sessions.size;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
