import { SupervisedProcess, type Running } from './supervised-process';

/** A life that a test ends when it likes. */
class Life implements Running {
  readonly url = Promise.resolve('http://here');
  readonly ready: Promise<boolean>;
  readonly exited: Promise<string>;
  stops = 0;
  end: (reason: string) => void = () => undefined;

  constructor(
    readonly pid: number,
    isReady = true,
  ) {
    this.exited = new Promise((resolve) => (this.end = resolve));
    this.ready = isReady ? Promise.resolve(true) : this.exited.then(() => false);
  }

  stop(): Promise<void> {
    this.stops++;
    this.end('SIGTERM');
    return Promise.resolve();
  }
}

describe('a supervised process', () => {
  let lives: Life[];
  let said: string[];
  let supervised: SupervisedProcess;

  const supervise = (launch: () => Promise<Running>) =>
    new SupervisedProcess({
      name: 'saga',
      launch,
      onChange: () => undefined,
      say: (line) => said.push(line),
      lastWords: () => 'no more',
      firstDelayMs: 1_000,
    });
  const bear =
    (isReady = true) =>
    () => {
      const life = new Life(lives.length + 1, isReady);
      lives.push(life);
      return Promise.resolve<Running>(life);
    };
  /** Lets everything happen that happens within `ms`. */
  const after = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    lives = [];
    said = [];
  });
  afterEach(async () => {
    const stopped = supervised.stop(100);
    await after(100);
    await stopped;
    jest.useRealTimers();
  });

  it('waits twice as long before each further start, and ten seconds at most', async () => {
    supervised = supervise(bear());
    await supervised.start();
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      lives.at(-1)?.end('SIGKILL');
      await after(delayMs - 1);
      const before = lives.length;
      await after(1);
      expect(lives).toHaveLength(before + 1);
    }
  });

  it('begins with the shortest wait again after it has been stable', async () => {
    supervised = supervise(bear());
    await supervised.start();
    lives.at(-1)?.end('SIGKILL');
    await after(1_000);
    await after(60_000);
    lives.at(-1)?.end('SIGKILL');
    await after(1_000);
    expect(lives).toHaveLength(3);
  });

  it('has no pid and no address while it does not run', async () => {
    supervised = supervise(bear());
    await supervised.start();
    expect(supervised.status).toEqual({ name: 'saga', pid: 1, url: 'http://here' });
    lives.at(-1)?.end('SIGKILL');
    await after(0);
    expect(supervised.status).toEqual({ name: 'saga', pid: null, url: null });
    await after(1_000);
    expect(supervised.status).toEqual({ name: 'saga', pid: 2, url: 'http://here' });
    expect(said).toEqual([
      'saga has ended (SIGKILL); it starts again in 1.0 s',
      'saga is back after 0.0 s',
    ]);
  });

  it('is given up when it ends three times without ever being ready', async () => {
    supervised = supervise(bear(false));
    const failure = supervised.start().catch((reason: unknown) => reason);
    for (const delayMs of [1_000, 2_000, 0]) {
      await after(0);
      lives.at(-1)?.end('exit code 1');
      await after(delayMs);
    }
    expect(await failure).toMatchObject({
      message: 'saga ended 3 times before it was ready (exit code 1): no more',
    });
    await after(60_000);
    expect(lives).toHaveLength(3);
  });

  it('goes on trying when it cannot be launched any more', async () => {
    let isBroken = false;
    supervised = supervise(() => (isBroken ? Promise.reject(new Error('no room')) : bear()()));
    await supervised.start();
    isBroken = true;
    lives.at(-1)?.end('SIGKILL');
    await after(1_000);
    expect(said.at(-1)).toBe('saga has ended (no room); it starts again in 2.0 s');
    isBroken = false;
    await after(2_000);
    expect(supervised.status.pid).toBe(2);
  });

  it('is not started again once it is stopped, also during the wait', async () => {
    supervised = supervise(bear());
    await supervised.start();
    lives.at(-1)?.end('SIGKILL');
    await after(10);
    const stopped = supervised.stop(100);
    await after(60_000);
    await stopped;
    expect(lives).toHaveLength(1);
  });
});
