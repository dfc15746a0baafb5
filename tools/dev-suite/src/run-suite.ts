import { LocalServerError, systemCode } from '@downbeat/local-servers';
import { readSettings } from './settings';
import { Suite, type SuiteOptions } from './suite';
import { SuiteError } from './suite-error';

/** npm passes a signal on that the terminal has sent to all already: the same wish, heard twice. */
const SAME_WISH_WITHIN_MS = 1_000;

export interface RunSuiteOptions extends Pick<SuiteOptions, 'plans' | 'migrate'> {
  /** Relative paths of the environment start here. */
  readonly workspace: string;
}

/** Runs a suite until SIGINT, SIGTERM or SIGHUP. Ends the process: 0 when it was asked to, else 1. */
export async function runSuite(options: RunSuiteOptions): Promise<void> {
  // Whoever read the progress may be gone; the suite goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  let suite: Suite | undefined;
  try {
    const settings = readSettings(process.env, options.workspace);
    suite = new Suite({ ...options, settings, environment: process.env, say });
    const stopping = stopOnSignals(suite, say);
    const url = await Promise.race([suite.start(), stopping]);
    if (url !== undefined) say(`ready ${url}`);
  } catch (failure) {
    // Told to stop while it started: what was under way fails, and the process ends when all is stopped.
    if (suite?.isStopping) return;
    process.stderr.write(`${sentenceOf(failure)}\n`);
    await suite?.stop();
    process.exit(1);
  }
}

/** Never resolves while nothing is asked; ends the process when the suite has stopped. */
function stopOnSignals(suite: Suite, say: (line: string) => void): Promise<undefined> {
  let firstAt: number | undefined;
  return new Promise(() => {
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        say(`${signal}: stopping`);
        void suite.stop().then(
          () => process.exit(0),
          (failure: unknown) => {
            process.stderr.write(`${sentenceOf(failure)}\n`);
            process.exit(1);
          },
        );
      } else if (Date.now() - firstAt > SAME_WISH_WITHIN_MS) {
        // Every child is guarded: it ends with this process.
        process.exit(1);
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

const sentenceOf = (failure: unknown): string => {
  if (failure instanceof LocalServerError || failure instanceof SuiteError) return failure.message;
  if (failure instanceof Error && systemCode(failure) !== undefined)
    return `the suite cannot start: ${failure.message}`;
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
};
