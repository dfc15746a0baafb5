import { startNats, startPostgres, type RunningServer } from '@downbeat/local-servers';
import type { Running } from './supervised-process';

/** The database of the suite in its own PostgreSQL. */
const DATABASE = 'downbeat';

interface Ports {
  readonly port: number;
  readonly monitoringPort?: number;
}

export interface ServerLaunch {
  readonly dataDir: string;
  /** Those of its last life. */
  readonly ports: Ports | undefined;
  readonly log: (line: string) => void;
  readonly say: (line: string) => void;
}

export type Server = (
  launch: ServerLaunch,
) => Promise<{ readonly running: Running; readonly ports: Ports; readonly address: string }>;

export const launchPostgres: Server = async ({ dataDir, ports, log }) => {
  const server = await startPostgres({ dataDir, databases: [DATABASE], log, ...ports });
  return { running: asRunning(server), ports: { port: server.port }, address: server.url };
};

export const launchNats: Server = async ({ dataDir, ports, log, say }) => {
  const server = await startNats({ dataDir, log, say, ...ports });
  const { port, monitoringPort } = server;
  return { running: asRunning(server), ports: { port, monitoringPort }, address: server.url };
};

/** A server is ready when its start returns. The address in run.json is for people: no password. */
const asRunning = (server: RunningServer): Running => ({
  pid: server.pid,
  url: Promise.resolve(withoutPassword(server.url)),
  ready: Promise.resolve(true),
  exited: server.exited.then(({ code, signal }) => signal ?? `exit code ${code}`),
  stop: (withinMs) => server.stop(withinMs),
});

export function withoutPassword(address: string): string {
  const url = new URL(address);
  url.password = '';
  return url.href;
}
