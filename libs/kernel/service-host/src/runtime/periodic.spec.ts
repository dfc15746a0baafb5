import { Logger } from '@nestjs/common';
import { Periodic } from './periodic';

beforeAll(() => Logger.overrideLogger(false));
beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Work that takes 100 ms. */
function periodic() {
  const begun: number[] = [];
  const from = Date.now();
  const work = new Periodic('testing', 1_000, async () => {
    begun.push(Date.now() - from);
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  return { work, begun };
}
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('what is done again and again', () => {
  it('comes every so often after the turn before', async () => {
    const { work, begun } = periodic();
    work.start({ atOnce: true });
    await pass(2_300);
    expect(begun).toEqual([0, 1_100, 2_200]);
    await Promise.all([work.stop(), pass(100)]);
  });

  it('comes at once when it is hurried, and keeps its pace from there', async () => {
    const { work, begun } = periodic();
    work.start();
    await pass(300);
    work.hurry();
    work.hurry();
    await pass(1_500);
    expect(begun).toEqual([300, 1_400]);
    await Promise.all([work.stop(), pass(100)]);
  });

  it('comes once more when it is hurried while it is under way', async () => {
    const { work, begun } = periodic();
    work.start({ atOnce: true });
    await pass(50);
    work.hurry();
    work.hurry();
    await pass(500);
    expect(begun).toEqual([0, 101]);
    await Promise.all([work.stop(), pass(100)]);
  });

  it('does not come after its end, however it is hurried', async () => {
    const { work, begun } = periodic();
    work.start();
    await work.stop();
    work.hurry();
    await pass(5_000);
    expect(begun).toEqual([]);
  });
});
