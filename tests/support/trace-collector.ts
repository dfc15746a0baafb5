import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { HttpListener } from '@downbeat/test-bench';

/** Takes the traces of a process, as OTLP over HTTP has them, and keeps them as they came. */
export class TraceCollector {
  private constructor(
    private readonly listener: HttpListener,
    readonly received: readonly Buffer[],
  ) {}

  static async start(): Promise<TraceCollector> {
    const received: Buffer[] = [];
    const listener = await HttpListener.start((request, response) => {
      void buffer(request).then((body) => {
        const isPacked = request.headers['content-encoding'] === 'gzip';
        received.push(isPacked ? gunzipSync(body) : body);
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    return new TraceCollector(listener, received);
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    return this.listener.url;
  }

  stop(): Promise<void> {
    return this.listener.stop();
  }
}
