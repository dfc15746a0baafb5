import { Intake, type Place } from './intake';

/** Work that ends when it is told to. */
function work() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { run: () => ended, end };
}
const HERE = '10.0.0.1';
const nothing = () => Promise.resolve('done');

describe('the intake', () => {
  /** A body that has come whole. */
  const holding = (bytes: number) => (place: Place) => {
    place.hasCome();
    place.hold(bytes);
    return Promise.resolve('done');
  };

  it('has room for so many bytes at once', async () => {
    const intake = new Intake(100, 10);
    const first = work();
    const taking = intake.admit(HERE, (place) => {
      place.hold(20);
      place.hasCome();
      place.hold(40);
      return first.run();
    });
    await expect(intake.admit(HERE, holding(41))).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 1,
    });
    await expect(intake.admit(HERE, holding(40))).resolves.toBe('done');
    first.end();
    await taking;
    await expect(intake.admit(HERE, holding(100))).resolves.toBe('done');
  });

  it('has room for others while nothing comes of a body', async () => {
    const intake = new Intake(100, 10);
    const slow = Array.from({ length: 9 }, work);
    const taking = slow.map(({ run }, at) => intake.admit(`10.0.1.${at}`, run));
    await expect(intake.admit(HERE, holding(100))).resolves.toBe('done');
    for (const { end } of slow) end();
    await Promise.all(taking);
  });

  it('has room for so many requests at once, and again when one has failed', async () => {
    const intake = new Intake(100, 1);
    const first = work();
    const taking = intake.admit(HERE, async () => {
      await first.run();
      throw new Error('broken');
    });
    await expect(intake.admit(HERE, nothing)).rejects.toMatchObject({ status: 429 });
    first.end();
    await expect(taking).rejects.toThrow('broken');
    await expect(intake.admit(HERE, nothing)).resolves.toBe('done');
  });

  describe('leaves one half of it to other addresses', () => {
    const ELSEWHERE = '10.0.0.2';
    const fromOneAddress = expect.objectContaining({
      status: 429,
      message: expect.stringContaining('one address') as string,
    }) as Error;

    it('while many bodies do not come', async () => {
      const intake = new Intake(100, 10);
      const slow = Array.from({ length: 5 }, work);
      const taking = slow.map(({ run }) => intake.admit(HERE, run));
      await expect(intake.admit(HERE, nothing)).rejects.toEqual(fromOneAddress);
      await expect(intake.admit(ELSEWHERE, nothing)).resolves.toBe('done');
      for (const { end } of slow) end();
      await Promise.all(taking);
      await expect(intake.admit(HERE, nothing)).resolves.toBe('done');
    });

    it('while large bodies come slowly', async () => {
      const intake = new Intake(100, 10);
      const slow = work();
      const taking = intake.admit(HERE, (place) => {
        place.hold(50);
        return slow.run();
      });
      const more = intake.admit(HERE, async (place) => place.hold(1));
      await expect(more).rejects.toEqual(fromOneAddress);
      await expect(intake.admit(ELSEWHERE, holding(50))).resolves.toBe('done');
      slow.end();
      await taking;
      await expect(intake.admit(HERE, async (place) => place.hold(50))).resolves.toBeUndefined();
    });

    it('but not of what has come whole', async () => {
      const intake = new Intake(100, 10);
      const waiting = Array.from({ length: 8 }, work);
      const taking = waiting.map(({ run }) =>
        intake.admit(HERE, (place) => {
          place.hold(10);
          place.hasCome();
          return run();
        }),
      );
      await expect(intake.admit(HERE, holding(20))).resolves.toBe('done');
      for (const { end } of waiting) end();
      await Promise.all(taking);
    });
  });

  it('ends when what is under way has ended, and takes in no more', async () => {
    const intake = new Intake();
    const first = work();
    const taking = intake.admit(HERE, first.run);
    let isClosed = false;
    const closing = intake.close(30_000).then(() => (isClosed = true));
    await expect(intake.admit(HERE, nothing)).rejects.toMatchObject({ status: 503 });
    expect(isClosed).toBe(false);
    first.end();
    await Promise.all([taking, closing]);
  });

  it('ends in its time, whatever is under way', async () => {
    const intake = new Intake();
    void intake.admit(HERE, work().run);
    await intake.close(1);
  });
});
