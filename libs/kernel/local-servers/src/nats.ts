import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { prepareDataDir, saysNoSpace } from './data-dir';
import { DiskFull, PortInUse, ServerNotStarted } from './errors';
import { freePort, isPortFree } from './free-port';
import { endsWithin, GuardedProcess } from './guarded-process';
import { natsServerBinary } from './nats-binary';
import { otherServerEnded } from './other-server';
import type { RunningServer } from './running-server';

export interface NatsOptions {
  /** Made when missing. Holds the generated configuration and JetStream's store. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: a free one. */
  readonly monitoringPort?: number;
  /** Default 30,000. */
  readonly startWithinMs?: number;
  /** Default 100 MB. */
  readonly freeBytesMin?: number;
  /**
   * Whether those who connect are told which connections close; default true. Then users have to be
   * known to the server, as they do not without.
   */
  readonly tellsSessions?: boolean;
  /** What else it is told, in the language of its configuration. */
  readonly moreConfig?: string;
  /** Each line the server says. */
  readonly log?: (line: string) => void;
  /** What is being done when the program must be installed first. */
  readonly say?: (progress: string) => void;
}

export interface RunningNats extends RunningServer {
  readonly monitoringPort: number;
  readonly monitoringUrl: string;
}

const FREE_BYTES_MIN = 100 * 1024 * 1024;
const START_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 8_000;
const ASK_EVERY_MS = 20;
const ASK_WITHIN_MS = 1_000;
const LINES_KEPT_MAX = 200;

/**
 * Starts nats-server with JetStream on 127.0.0.1 over the store in `dataDir`; installs it when it
 * is missing. It ends with this process, however that ends.
 *
 * @returns When JetStream is ready and clients can connect.
 * @throws {LocalServerError} One of PortInUse, BinaryMissing, DiskFull, DataDirNotWritable,
 *         DataDirInUse, ServerNotStarted.
 */
export async function startNats(asked: NatsOptions): Promise<RunningNats> {
  // It stands in it, and names all else by its whole path.
  const options = { ...asked, dataDir: resolve(asked.dataDir) };
  const { dataDir } = options;
  await prepareDataDir('nats-server', dataDir, options.freeBytesMin ?? FREE_BYTES_MIN);
  const binary = natsServerBinary(options.say ?? (() => undefined));
  const deadline = Date.now() + (options.startWithinMs ?? START_WITHIN_MS);
  const pidFile = pidFileIn(dataDir);
  await otherServerEnded({ server: 'nats-server', directory: dataDir, pidFile }, deadline);
  const hasOwnPort = options.port !== undefined && options.monitoringPort !== undefined;

  for (;;) {
    const port = options.port ?? (await freePort());
    const monitoringPort = options.monitoringPort ?? (await freePort());
    for (const each of [port, monitoringPort])
      if (!(await isPortFree(each))) throw new PortInUse('nats-server', each);

    const lines: string[] = [];
    const config = await writeConfig(options, port, monitoringPort);
    const server = await GuardedProcess.spawn({
      command: binary,
      args: ['--config', config],
      env: { PATH: process.env['PATH'] },
      cwd: dataDir,
      deathSignal: 'SIGINT',
      onLine: (line) => {
        if (lines.length < LINES_KEPT_MAX) lines.push(line);
        options.log?.(line);
      },
    });
    if (await isReady(server, urlOf(monitoringPort), deadline))
      return running(server, port, monitoringPort, pidFile);

    const failure = await failureOf(server, lines, dataDir, port);
    if (!(failure instanceof PortInUse) || hasOwnPort || Date.now() > deadline) throw failure;
  }
}

const pidFileIn = (dataDir: string): string => join(dataDir, 'nats-server.pid');

/** Whoever connects belongs to the suite, and is told which connections close. Nobody connects as the server. */
const ACCOUNTS: readonly string[] = [
  'accounts {',
  '  SERVER { exports: [{ stream: "$SYS.ACCOUNT.*.DISCONNECT" }] }',
  '  SUITE { jetstream: enabled, users: [{ user: suite, password: suite }]',
  '    imports: [{ stream: { account: SERVER, subject: "$SYS.ACCOUNT.SUITE.DISCONNECT" }, to: "session.closed" }] }',
  '}',
  'system_account: SERVER',
  'no_auth_user: suite',
];

/** Only what 2.9.10 knows: it refuses to start on a field of a later version. */
async function writeConfig(
  { dataDir, tellsSessions = true, moreConfig = '' }: NatsOptions,
  port: number,
  monitoringPort: number,
): Promise<string> {
  const store = join(dataDir, 'jetstream');
  await mkdir(store, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'nats-server.conf');
  const text = [
    '# Written anew at each start.',
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitoringPort}"`,
    `pid_file: ${JSON.stringify(pidFileIn(dataDir))}`,
    `jetstream { store_dir: ${JSON.stringify(store)} }`,
    ...(tellsSessions ? ACCOUNTS : []),
    moreConfig,
    '',
  ];
  await writeFile(file, text.join('\n'), { mode: 0o600 });
  return file;
}

/** `/healthz` says 200 when clients can connect and every stream has been recovered. */
async function isReady(server: GuardedProcess, url: string, deadline: number): Promise<boolean> {
  while (!server.hasExited && Date.now() < deadline) {
    try {
      const signal = AbortSignal.timeout(ASK_WITHIN_MS);
      const answer = await fetch(`${url}/healthz`, { signal });
      await answer.arrayBuffer();
      if (answer.ok && !server.hasExited) return true;
    } catch {
      // It does not listen yet.
    }
    await endsWithin(server.exited, ASK_EVERY_MS);
  }
  return false;
}

const urlOf = (monitoringPort: number): string => `http://127.0.0.1:${monitoringPort}`;

function running(
  server: GuardedProcess,
  port: number,
  monitoringPort: number,
  pidFile: string,
): RunningNats {
  return {
    pid: server.pid,
    port,
    url: `nats://127.0.0.1:${port}`,
    monitoringPort,
    monitoringUrl: urlOf(monitoringPort),
    exited: server.exited,
    stop: async (withinMs = STOP_WITHIN_MS) => {
      if (server.hasExited) return;
      await server.stop([['SIGINT', withinMs]]);
      // It leaves the file, and its process id is somebody else's one day.
      await rm(pidFile, { force: true });
    },
  };
}

async function failureOf(
  server: GuardedProcess,
  lines: readonly string[],
  dataDir: string,
  port: number,
): Promise<Error> {
  const isTooSlow = !server.hasExited;
  await server.stop([['SIGINT', 1_000]]);
  await server.drained();
  if (isTooSlow) return new ServerNotStarted('nats-server', 'it was not ready in time');
  if (lines.some(saysNoSpace)) return new DiskFull('nats-server', dataDir);
  if (lines.some((line) => /address already in use/i.test(line)))
    return new PortInUse('nats-server', port);
  const fatal = lines.find((line) => /\[FTL\]|\[ERR\]/.test(line));
  return new ServerNotStarted('nats-server', fatal ?? lines.at(-1) ?? 'it said nothing');
}
