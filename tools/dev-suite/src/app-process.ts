import { access } from 'node:fs/promises';
import { endsWithin, GuardedProcess } from '@downbeat/local-servers';
import { SuiteError } from './suite-error';
import type { Running } from './supervised-process';

const ASK_EVERY_MS = 100;
const ASK_WITHIN_MS = 2_000;

export interface AppLaunch {
  readonly name: string;
  readonly main: string;
  readonly args: readonly string[];
  readonly readyPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}

/**
 * Starts a Node process that says where it listens, `{ type: 'listening', url }` over IPC, and
 * answers `readyPath` with 200 when it is ready.
 *
 * @throws {SuiteError} There is nothing to run.
 */
export async function launchApp(launch: AppLaunch): Promise<Running> {
  const { name, main, args, readyPath, env, log } = launch;
  await access(main).catch((cause: unknown) => {
    throw new SuiteError(`${name} cannot run because ${main} is missing: run npm run build`, {
      cause,
    });
  });
  let listening: (url: string) => void = () => undefined;
  const address = new Promise<string>((resolve) => (listening = resolve));
  const child = await GuardedProcess.spawn({
    command: process.execPath,
    args: ['--enable-source-maps', main, ...args],
    env,
    deathSignal: 'SIGKILL',
    onLine: log,
    onMessage: (message) => {
      if (isListening(message)) listening(message.url);
    },
  });
  return {
    pid: child.pid,
    url: address,
    ready: untilReady(child, address, readyPath),
    exited: child.exited.then(({ code, signal }) => signal ?? `exit code ${code}`),
    stop: async (withinMs) => {
      await child.stop([['SIGTERM', withinMs]]);
    },
  };
}

/** Resolves when the process is ready, or has ended without ever being so. */
async function untilReady(
  child: GuardedProcess,
  address: Promise<string>,
  readyPath: string,
): Promise<boolean> {
  const url = await Promise.race([address, child.exited.then(() => undefined)]);
  while (url !== undefined && !child.hasExited) {
    if (await isReady(new URL(readyPath, url))) return true;
    await endsWithin(child.exited, ASK_EVERY_MS);
  }
  return false;
}

async function isReady(url: URL): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_WITHIN_MS) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // Refused, reset or too slow: not ready, whichever it was.
  }
}

const isListening = (message: unknown): message is { readonly url: string } =>
  typeof message === 'object' &&
  message !== null &&
  'type' in message &&
  message.type === 'listening' &&
  'url' in message &&
  typeof message.url === 'string';
