import { AuditBusy, HeavyWork } from './heavy-work';

const CLOCK = { ms: 0 };
beforeEach(() => {
  CLOCK.ms = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => CLOCK.ms);
});
afterEach(() => jest.restoreAllMocks());

describe('heavy work', () => {
  it('lets others of the process have their turn', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('other'));
    await new HeavyWork().run(async (patience) => {
      for (const piece of ['first', 'second', 'third']) {
        await patience.turn();
        order.push(piece);
        CLOCK.ms += 15;
      }
    });
    expect(order).toEqual(['first', 'second', 'other', 'third']);
  });

  it('ends with a refusal when it takes too long', async () => {
    const work = new HeavyWork();
    let pieces = 0;
    const endless = work.run(async (patience) => {
      for (;;) {
        await patience.turn();
        pieces++;
        CLOCK.ms += 100;
      }
    }, 1_000);
    expect(await endless).toMatchObject({
      code: 'replay-too-large',
      message: expect.stringContaining('longer than 1000 ms'),
    });
    expect(pieces).toBe(11);
    expect(await work.run(async () => 'free again')).toBe('free again');
  });

  it('is turned away when enough is under way, and a fault is its own', async () => {
    const work = new HeavyWork();
    const never = () => work.run(() => new Promise<never>(() => undefined));
    void never();
    await expect(work.run(() => Promise.reject(new RangeError('broken')))).rejects.toThrow(
      'broken',
    );
    void never();
    await expect(never()).rejects.toThrow(AuditBusy);
  });
});
