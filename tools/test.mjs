import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Complaint, checkNode, command, compile, install, workspace } from './workspace.mjs';

/**
 * `npm test [check] [integration] [e2e]`: all steps, or those of the groups named. A step that
 * fails does not stop the next; the last line sums up the tests of all.
 */

const STEP_MINUTES_MAX = 45;

const bin = (name) => join(workspace, 'node_modules', '.bin', name);
const TREE = ['apps', 'libs', 'examples', 'tools', 'bench', 'tests'];

/** A gate is one check that holds or does not; it counts as a failed test when it does not. */
const STEPS = [
  {
    name: 'format',
    group: 'check',
    gate: () => run('prettier', ['--check', '--log-level=warn', '.']),
  },
  { name: 'types', group: 'check', gate: checkTypes },
  { name: 'lint', group: 'check', gate: () => run('eslint', ['--max-warnings=0', '.']) },
  {
    name: 'boundaries',
    group: 'check',
    gate: () => run('depcruise', ['--output-type=err', ...TREE.filter(existsHere)]),
    project: 'boundaries',
  },
  { name: 'unit', group: 'check', project: 'unit' },
  { name: 'integration', group: 'integration', project: 'integration' },
  { name: 'end-to-end', group: 'e2e', project: 'end-to-end' },
];
const GROUPS = [...new Set(STEPS.map(({ group }) => group))];

command(async () => {
  checkNode();
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((group) => !GROUPS.includes(group));
  if (unknown)
    throw new Complaint(`there is no group ${unknown}: name some of ${GROUPS.join(', ')}`);
  await install();

  const results = [];
  for (const step of STEPS.filter(({ group }) => wanted.length === 0 || wanted.includes(group))) {
    console.log(`\n== ${step.name}`);
    results.push(await take(step));
  }
  report(results);
});

async function take({ name, gate, project }) {
  const began = Date.now();
  const result = { name, passed: 0, failed: 0 };
  if (gate && !(await gate())) result.failed += 1;
  if (project) {
    const { passed, failed } = await tests(project);
    result.passed += passed;
    result.failed += failed;
  }
  return { ...result, seconds: (Date.now() - began) / 1000 };
}

/** Everything that is built, then every test file and tool beside it. */
async function checkTypes() {
  try {
    await compile();
  } catch (failure) {
    if (!(failure instanceof Complaint)) throw failure;
    return false;
  }
  return run('tsc', ['-p', 'tsconfig.spec.json']);
}

/** A test that was skipped, or that is still to be written, has not passed. */
async function tests(project) {
  const folder = mkdtempSync(join(tmpdir(), 'downbeat-test-'));
  const file = join(folder, 'result.json');
  const args = ['--selectProjects', project, '--json', `--outputFile=${file}`];
  try {
    const isFine = await run('jest', ['--maxWorkers=2', ...args], 'no-stdout');
    const result = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const passed = result.numPassedTests ?? 0;
    const failed =
      (result.numFailedTests ?? 0) +
      (result.numPendingTests ?? 0) +
      (result.numTodoTests ?? 0) +
      (result.numRuntimeErrorTestSuites ?? 0);
    // No result, no tests, or a failure outside of them: something is wrong in any case.
    const isWrong = failed === 0 && (passed === 0 || !isFine);
    return { passed, failed: isWrong ? 1 : failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns Whether the program ended well, and in time. */
function run(program, args, output = 'all') {
  return new Promise((resolve) => {
    const child = spawn(bin(program), args, {
      cwd: workspace,
      // Jest repeats its result on stdout; people read stderr.
      stdio: ['ignore', output === 'all' ? 'inherit' : 'ignore', 'inherit'],
    });
    const timer = setTimeout(() => {
      console.error(`${program} did not end within ${STEP_MINUTES_MAX} minutes`);
      child.kill('SIGKILL');
    }, STEP_MINUTES_MAX * 60_000);
    child.once('error', (cause) => console.error(`${program} cannot be run: ${cause.message}`));
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

function report(results) {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${'step'.padEnd(12)} ${'passed'.padStart(7)} ${'failed'.padStart(7)}`);
  for (const { name, passed, failed, seconds } of results)
    console.log(
      `${name.padEnd(12)} ${`${passed}`.padStart(7)} ${`${failed}`.padStart(7)}  ${seconds.toFixed(1)} s`,
    );
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}

function existsHere(folder) {
  return existsSync(join(workspace, folder));
}
