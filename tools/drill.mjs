import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Complaint, checkNode, command, compile, install, workspace } from './workspace.mjs';

/**
 * `npm run drill:<name> -- [--seed n] [--rounds n] [--minutes n]`: one of tests/drills. Ends with
 * exit code 1 when the suite broke a promise.
 */
command(async () => {
  checkNode();
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      rounds: { type: 'string' },
      minutes: { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const file = join('tests', 'drills', `${name}.drill.ts`);
  if (!/^[a-z-]+$/.test(name) || !existsSync(join(workspace, file)))
    throw new Complaint(`there is no drill ${name}: docs/drills.md lists them`);
  await install();
  await compile();
  process.exitCode = await run(file, {
    DRILL_SEED: number('seed', values.seed),
    DRILL_ROUNDS: number('rounds', values.rounds),
    DRILL_MINUTES: number('minutes', values.minutes),
  });
});

function number(name, text) {
  if (text === undefined) return '';
  if (!(Number(text) > 0)) throw new Complaint(`--${name} must be a number above 0`);
  return text;
}

/** @returns The exit code. */
function run(file, environment) {
  const jest = join(workspace, 'node_modules', '.bin', 'jest');
  const config = join('tests', 'drills', 'jest.config.js');
  const child = spawn(jest, ['--config', config, '--runInBand', '--runTestsByPath', file], {
    cwd: workspace,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Complaint(`Jest cannot be run: ${cause.message}`)));
    child.once('close', (code) => resolve(code ?? 1));
  });
}
