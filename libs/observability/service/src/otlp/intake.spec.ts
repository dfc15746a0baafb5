import { Intake } from './intake';

/** Work that ends when it is told to. */
function work() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { run: () => ended, end };
}
const nothing = () => Promise.resolve('done');

describe('the intake', () => {
  it('has room for so many bytes at once', async () => {
    const intake = new Intake(100, 10);
    const first = work();
    const taking = intake.admit(60, first.run);
    await expect(intake.admit(41, nothing)).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 1,
    });
    await expect(intake.admit(40, nothing)).resolves.toBe('done');
    first.end();
    await taking;
    await expect(intake.admit(100, nothing)).resolves.toBe('done');
  });

  it('counts a body of unknown length as the largest there may be', async () =>
    expect(new Intake(100, 10).admit(undefined, nothing)).rejects.toMatchObject({ status: 429 }));

  it('has room for so many requests at once, and again when one has failed', async () => {
    const intake = new Intake(100, 1);
    const first = work();
    const taking = intake.admit(1, async () => {
      await first.run();
      throw new Error('broken');
    });
    await expect(intake.admit(1, nothing)).rejects.toMatchObject({ status: 429 });
    first.end();
    await expect(taking).rejects.toThrow('broken');
    await expect(intake.admit(1, nothing)).resolves.toBe('done');
  });

  it('ends when what is under way has ended, and takes in no more', async () => {
    const intake = new Intake();
    const first = work();
    const taking = intake.admit(1, first.run);
    let isClosed = false;
    const closing = intake.close(30_000).then(() => (isClosed = true));
    await expect(intake.admit(1, nothing)).rejects.toMatchObject({ status: 503 });
    expect(isClosed).toBe(false);
    first.end();
    await Promise.all([taking, closing]);
  });

  it('ends in its time, whatever is under way', async () => {
    const intake = new Intake();
    void intake.admit(1, work().run);
    await intake.close(1);
  });
});
