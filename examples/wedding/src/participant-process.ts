import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { ParticipantName } from './participant';

const START_MS_MAX = 60_000;

export interface ParticipantProcess {
  readonly name: ParticipantName;
  readonly url: string;
  readonly pid: number;
  /** Settles when the process is gone, with its exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  /** Asks it to stop (`SIGTERM`) or ends it at once (`SIGKILL`), and waits until it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export interface ParticipantProcessOptions {
  readonly dataDir: string;
  readonly gatewayUrl?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** The compiled program: the same file, whether this one runs from `src` or from `dist`. */
const PROGRAM = join(__dirname, '..', 'dist', 'main.js');

/**
 * Starts a participant as a process of its own.
 *
 * @throws {Error} It ended before it listened, or did not listen within 15 s.
 */
export async function startParticipant(
  name: ParticipantName,
  options: ParticipantProcessOptions,
): Promise<ParticipantProcess> {
  const { GATEWAY_URL: _, ...env } = process.env;
  const child = fork(PROGRAM, [name], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...env,
      DOWNBEAT_DATA_DIR: options.dataDir,
      PORT: String(options.port ?? 0),
      ...(options.gatewayUrl !== undefined && { GATEWAY_URL: options.gatewayUrl }),
    },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} did not listen within ${START_MS_MAX} ms`));
    }, START_MS_MAX);
    child.once('message', (message: { readonly url: string }) => resolve(message.url));
    child.once('error', reject);
    void exited.then((code) => reject(new Error(`${name} ended with ${code} before it listened`)));
    void exited.finally(() => clearTimeout(timer));
    child.once('message', () => clearTimeout(timer));
  });
  return {
    name,
    url,
    pid: child.pid ?? 0,
    exited,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}
