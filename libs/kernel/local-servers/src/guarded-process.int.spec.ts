import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GuardedProcess } from './guarded-process';
import { eventually } from './testing/eventually';
import { isAlive } from './testing/is-alive';

const node = (code: string, onMessage?: (message: unknown) => void) =>
  GuardedProcess.spawn({
    command: process.execPath,
    args: ['-e', code],
    env: {},
    deathSignal: 'SIGKILL',
    ...(onMessage ? { onMessage } : {}),
  });

describe('a guarded process', () => {
  it('says how it ended', async () => {
    expect(await (await node('process.exit(3)')).exited).toEqual({ code: 3, signal: null });
  });

  it('passes messages on', async () => {
    const messages: unknown[] = [];
    const child = await node(
      `process.send({ type: 'listening' }, () => process.disconnect())`,
      (message) => messages.push(message),
    );
    await child.exited;
    expect(messages).toEqual([{ type: 'listening' }]);
  });

  it('is killed when it does not end by itself within its time', async () => {
    let isDeaf = false;
    const child = await node(
      `process.on('SIGTERM', () => 0); setInterval(() => 0, 1000); process.send('deaf')`,
      () => (isDeaf = true),
    );
    await eventually(() => expect(isDeaf).toBe(true));
    expect(await child.stop([['SIGTERM', 200]])).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it.each([
    ['by the kernel', process.env['PATH']],
    ['by a watchdog, where setpriv is missing', '/nowhere'],
  ])('is taken along when its launcher is killed with SIGKILL: %s', async (_, path) => {
    const folder = await mkdtemp(join(tmpdir(), 'local-launcher-'));
    // Compiled, and a process of its own: nothing of the test runner keeps the servers alive.
    const program = join(__dirname, '../dist/testing/launcher.js');
    const launcher = spawn(process.execPath, [program, folder], {
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: launcher.stdout }).once('line', resolve);
      launcher.once('exit', (code) => reject(new Error(`the launcher ended with ${code}`)));
    });
    const pids = Object.values(JSON.parse(line) as Record<string, number>);
    expect(pids.map(isAlive)).toEqual([true, true]);

    launcher.kill('SIGKILL');
    await eventually(() => expect(pids.map(isAlive)).toEqual([false, false]));
    await rm(folder, { recursive: true, force: true });
  });
});
