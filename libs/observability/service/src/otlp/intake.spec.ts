import { Intake, type Place } from './intake';

/** Work that ends when it is told to. */
function work() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { run: () => ended, end };
}
const nothing = () => Promise.resolve('done');

describe('the intake', () => {
  const holding = (bytes: number) => (place: Place) => {
    place.hold(bytes);
    return Promise.resolve('done');
  };

  it('has room for so many bytes at once', async () => {
    const intake = new Intake(100, 10);
    const first = work();
    const taking = intake.admit((place) => {
      place.hold(20);
      place.hold(40);
      return first.run();
    });
    await expect(intake.admit(holding(41))).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 1,
    });
    await expect(intake.admit(holding(40))).resolves.toBe('done');
    first.end();
    await taking;
    await expect(intake.admit(holding(100))).resolves.toBe('done');
  });

  it('has room for others while nothing comes of a body', async () => {
    const intake = new Intake(100, 10);
    const slow = Array.from({ length: 9 }, work);
    const taking = slow.map(({ run }) => intake.admit(run));
    await expect(intake.admit(holding(100))).resolves.toBe('done');
    for (const { end } of slow) end();
    await Promise.all(taking);
  });

  it('has room for so many requests at once, and again when one has failed', async () => {
    const intake = new Intake(100, 1);
    const first = work();
    const taking = intake.admit(async () => {
      await first.run();
      throw new Error('broken');
    });
    await expect(intake.admit(nothing)).rejects.toMatchObject({ status: 429 });
    first.end();
    await expect(taking).rejects.toThrow('broken');
    await expect(intake.admit(nothing)).resolves.toBe('done');
  });

  it('ends when what is under way has ended, and takes in no more', async () => {
    const intake = new Intake();
    const first = work();
    const taking = intake.admit(first.run);
    let isClosed = false;
    const closing = intake.close(30_000).then(() => (isClosed = true));
    await expect(intake.admit(nothing)).rejects.toMatchObject({ status: 503 });
    expect(isClosed).toBe(false);
    first.end();
    await Promise.all([taking, closing]);
  });

  it('ends in its time, whatever is under way', async () => {
    const intake = new Intake();
    void intake.admit(work().run);
    await intake.close(1);
  });
});
