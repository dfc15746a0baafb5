import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Complaint, checkNode, command, compile, install, workspace } from './workspace.mjs';

/**
 * `npm run drill:<name> -- [--seed n] [--rounds n] [--minutes n] [--clocks true]
 * [--plant stale-appends]`: one of tests/drills. Ends with
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
      clocks: { type: 'string', default: 'wrong' },
      plant: { type: 'string', default: '' },
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
    DRILL_CLOCKS: oneOf('clocks', values.clocks, ['wrong', 'true']),
    DRILL_PLANT: oneOf('plant', values.plant, ['', 'stale-appends']),
  });
});

function number(name, text) {
  if (text === undefined) return '';
  if (!(Number(text) > 0)) throw new Complaint(`--${name} must be a number above 0`);
  return text;
}

function oneOf(name, text, known) {
  if (known.includes(text)) return text;
  throw new Complaint(`--${name} must be one of ${known.filter(Boolean).join(', ')}`);
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
