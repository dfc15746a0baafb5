import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Stands for an app: listens, says so, is ready, tells its environment to whoever asks, and ends
 * when it is told to. `deaf` does not listen to signals; `broken` ends before it is ready.
 */
function run(kind: string): void {
  if (kind === 'broken') {
    process.stderr.write('Error: the kitchen is closed\n');
    process.exit(3);
  }
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/health/ready' ? '{}' : JSON.stringify(process.env));
  });
  server.listen(Number(process.env['PORT']), process.env['HOST'], () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ type: 'listening', url: `http://127.0.0.1:${port}` });
    process.stdout.write(`${JSON.stringify({ level: 30, msg: 'up' })}\n`);
  });
  process.on('SIGTERM', () => {
    if (kind !== 'deaf') process.exit(0);
  });
}

run(process.argv[2] ?? 'good');
