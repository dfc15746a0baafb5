import { within } from './within';

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('work within a time', () => {
  it('is what it comes to, or nothing', async () => {
    expect(await within(1_000, () => Promise.resolve(1))).toBe(1);
    expect(await within(1, () => new Promise(() => undefined))).toBeUndefined();
    await expect(within(1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('keeps no process alive by hanging', () => {
    const before = timers();
    void within(60_000, () => new Promise(() => undefined));
    expect(timers()).toBe(before);
  });
});
