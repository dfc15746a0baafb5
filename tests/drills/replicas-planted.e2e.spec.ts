import { spawn } from 'node:child_process';
import { join } from 'node:path';

const WORKSPACE = join(__dirname, '..', '..');
const CONFIG = join('tests', 'drills', 'jest.config.js');
const DRILL = join('tests', 'drills', 'replicas.drill.ts');

/** One strike is enough. Clocks are true, so that the test runs where libfaketime is missing. */
const SHORT = {
  ...{ DRILL_SEED: '7', DRILL_MINUTES: '1', DRILL_CLOCKS: 'true' },
  DRILL_PLANT: 'stale-appends',
};

describe('the drill of the replicas, over a database that does not look at epochs', () => {
  it('fails, and names the append that should have been refused', async () => {
    const { code, said } = await drilled();
    expect(said).toMatch(/violated: workflow-\S+: an append of \S+ in epoch 1 succeeded/);
    expect(code).toBe(1);
  }, 240_000);
});

function drilled(): Promise<{ readonly code: number | null; readonly said: string }> {
  const jest = join(WORKSPACE, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = ['--config', CONFIG, '--runInBand', '--runTestsByPath', DRILL];
  const child = spawn(process.execPath, [jest, ...options], {
    cwd: WORKSPACE,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...SHORT },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}
