import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** Settings of apps that send their spans there, soon. */
export const tracedTo = (endpoint: string): Readonly<Record<string, string>> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  OTEL_BSP_SCHEDULE_DELAY: '500',
  OTEL_EXPORTER_OTLP_TIMEOUT: '10000',
  OTEL_BSP_EXPORT_TIMEOUT: '10000',
});

/** Where the apps send their spans; the health app's own address is known only once it listens. */
export class SpanForwarder {
  target = '';
  private readonly server: Server = createServer((request, response) => {
    this.forward(request, response).catch(() => response.writeHead(503).end());
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
    const answer = await fetch(`${this.target}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': type, ...(encoding && { 'content-encoding': encoding }) },
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  }
}
