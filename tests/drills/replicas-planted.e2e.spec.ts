import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const WORKSPACE = join(__dirname, '..', '..');
const CONFIG = join('tests', 'drills', 'jest.config.js');
const DRILL = join('tests', 'drills', 'replicas.drill.ts');

/** One strike is enough. Clocks are true, so that the test runs where libfaketime is missing. */
const SHORT = {
  ...{ DRILL_SEED: '7', DRILL_MINUTES: '1', DRILL_CLOCKS: 'true' },
  DRILL_PLANT: 'stale-appends',
};

let child: ChildProcess | undefined;

describe('the drill of the replicas, over a database that does not look at epochs', () => {
  afterEach(() => endGroup());

  it('fails, and names the append that should have been refused', async () => {
    const { code, said } = await drilled();
    expect(said).toMatch(/violated: workflow-\S+: an append of \S+ in epoch 1 succeeded/);
    expect(code).toBe(1);
  }, 240_000);
});

function drilled(): Promise<{ readonly code: number | null; readonly said: string }> {
  const jest = join(WORKSPACE, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = ['--config', CONFIG, '--runInBand', '--runTestsByPath', DRILL];
  const drill = spawn(process.execPath, [jest, ...options], {
    cwd: WORKSPACE,
    // A process group of its own, which can be ended as a whole.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...SHORT },
  });
  child = drill;
  let said = '';
  for (const stream of [drill.stdout, drill.stderr])
    stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  return new Promise((resolve, reject) => {
    drill.once('error', reject);
    drill.once('close', (code) => resolve({ code, said }));
  });
}

/** A drill that took too long, and what one that broke has left; servers end with whoever started them. */
function endGroup(): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault;
  }
}
