import { startNats, startPostgres } from '../index';

/** A process that starts both servers, says where they are, and then only lives. */
async function launch(dataDir: string): Promise<void> {
  const postgres = await startPostgres({ dataDir: `${dataDir}/postgres` });
  const nats = await startNats({ dataDir: `${dataDir}/nats` });
  process.stdout.write(`${JSON.stringify({ postgres: postgres.pid, nats: nats.pid })}\n`);
  setInterval(() => undefined, 60_000);
}

void launch(process.argv[2] ?? '');
