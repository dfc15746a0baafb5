import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { HostLifecycle } from '@downbeat/service-host';
import { limitHttp } from './http/limits';
import { EventStream } from './stream/event-stream';
import { ViewStreams } from './views/view-streams';

const DRAIN_TIMEOUT_MS = 3_000;
const SWEEP_MS = 50;

/** Fits the edge into the process that hosts it: its limits, and its place in the order of stopping. */
export function hostGateway(app: NestExpressApplication): void {
  limitHttp(app);
  // Before the bus closes: requests under way still need it.
  app.get(HostLifecycle).onStop('http', async () => {
    app.get(EventStream).close();
    app.get(ViewStreams).close();
    await drain(app.getHttpServer());
  });
}

/** Takes no more requests and waits, for a bounded time, until those under way are answered. */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const done = (): void => {
      clearInterval(sweep);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, DRAIN_TIMEOUT_MS);
    server.close(done);
  });
}
