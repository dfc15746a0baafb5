import { eventually } from '@downbeat/event-store/testing';
import { Logger } from '@nestjs/common';
import { DatabaseWatch } from './database-watch';
import { HostLifecycle } from './host-lifecycle';
import { Periodic } from './periodic';
import { SoleReplica } from './sole-replica';

beforeAll(() => Logger.overrideLogger(false));

describe('periodic work', () => {
  let periodic: Periodic;
  afterEach(() => periodic.stop());

  it('goes on after a fault, thrown or rejected', async () => {
    let turns = 0;
    periodic = new Periodic('work', 1, () => {
      if (++turns === 1) throw new Error('thrown');
      return turns === 2 ? Promise.reject(new Error('rejected')) : Promise.resolve();
    });
    periodic.start();
    await eventually(() => expect(turns).toBeGreaterThan(3));
  });

  it('is never done twice at once, and ends after the turn under way', async () => {
    let [running, most, turns] = [0, 0, 0];
    let open: () => void = () => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    periodic = new Periodic('work', 1, async () => {
      most = Math.max(most, ++running);
      turns++;
      await door;
      running--;
    });
    periodic.start({ atOnce: true });
    periodic.start({ atOnce: true });
    await eventually(() => expect(turns).toBe(1));
    const stopped = periodic.stop();
    open();
    await stopped;
    expect([most, turns, running]).toEqual([1, 1, 0]);
  });
});

describe('the work of a sole replica', () => {
  let told: string[];
  let isHeld: boolean;
  let replica: SoleReplica;
  const lock = {
    acquire: async () => isHeld,
    release: async () => void told.push('released'),
  };
  beforeEach(() => {
    [told, isHeld] = [[], true];
  });
  afterEach(() => replica.stop());
  const start = (work: Partial<{ begin: () => void; end: () => Promise<void> }> = {}) => {
    replica = new SoleReplica(
      lock,
      {
        begin: () => void told.push('begun'),
        end: async () => void told.push('ended'),
        ...work,
      },
      1,
    );
    replica.start();
  };

  it('begins with the lock and ends with it, each once', async () => {
    start();
    await eventually(() => expect(told).toEqual(['begun']));
    isHeld = false;
    await eventually(() => expect(told).toEqual(['begun', 'ended']));
    isHeld = true;
    await eventually(() => expect(told).toEqual(['begun', 'ended', 'begun']));
    await replica.stop();
    expect(told).toEqual(['begun', 'ended', 'begun', 'ended', 'released']);
  });

  it('is begun again when it could not begin', async () => {
    let tries = 0;
    start({
      begin: () => {
        if (++tries < 3) throw new Error('not yet');
      },
    });
    await eventually(() => expect(tries).toBe(3));
  });

  it('gives the lock back though the work did not end well', async () => {
    start({ end: () => Promise.reject(new Error('broken')) });
    await eventually(() => expect(told).toEqual(['begun']));
    await expect(replica.stop()).rejects.toThrow('broken');
    expect(told).toEqual(['begun', 'released']);
  });
});

describe('the end of a process', () => {
  it('stops the newest first, then closes, whatever fails', async () => {
    const lifecycle = new HostLifecycle();
    const told: string[] = [];
    for (const what of ['a', 'b', 'c']) {
      lifecycle.onStop(what, async () => void told.push(`stop ${what}`));
      lifecycle.onClose(what, async () => void told.push(`close ${what}`));
    }
    lifecycle.onStop('thrown', () => {
      throw new Error('thrown');
    });
    lifecycle.onStop('rejected', () => Promise.reject(new Error('rejected')));
    await lifecycle.stop();
    await lifecycle.close();
    expect(told).toEqual(['stop c', 'stop b', 'stop a', 'close c', 'close b', 'close a']);
  });
});

describe('the watch on a database', () => {
  let now: number;
  let answer: () => Promise<void>;
  let watch: DatabaseWatch;
  beforeEach(async () => {
    now = 0;
    answer = async () => undefined;
    watch = new DatabaseWatch({ ask: () => answer() }, 'registry', () => now, {
      askEveryMs: 1,
      staleMs: 10,
    });
  });
  afterEach(() => watch.stop());

  it('knows nothing good before the first answer, and all after it', async () => {
    expect(watch.isReachable()).toBe(false);
    await watch.start();
    expect(watch.isReachable()).toBe(true);
  });

  it('sees it go and come back', async () => {
    await watch.start();
    answer = () => Promise.reject(new Error('refused'));
    await eventually(() => expect(watch.isReachable()).toBe(false));
    answer = async () => undefined;
    await eventually(() => expect(watch.isReachable()).toBe(true));
  });

  it('does not trust an old answer while the next one does not come', async () => {
    await watch.start();
    let open: (() => void) | undefined;
    answer = () => new Promise<void>((resolve) => (open = resolve));
    await eventually(() => expect(open).toBeDefined());
    expect(watch.isReachable()).toBe(true);
    now = 11;
    expect(watch.isReachable()).toBe(false);
    answer = async () => undefined;
    open?.();
  });
});
