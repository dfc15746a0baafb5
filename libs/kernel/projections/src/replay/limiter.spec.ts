import { Limiter } from './limiter';
import { gate } from '../testing/gate';

describe('a limiter', () => {
  it('runs so many at once, and the others in the order they came', async () => {
    const limiter = new Limiter(2, 10, 1_000);
    const gates = [gate(), gate(), gate(), gate()];
    const begun: number[] = [];
    const works = gates.map(({ opened }, index) =>
      limiter.run(async () => {
        begun.push(index);
        await opened;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    gates[1]?.open();
    await works[1];
    expect(begun).toEqual([0, 1, 2]);
    for (const { open } of gates) open();
    await Promise.all(works);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('sends away who finds the line full', async () => {
    const limiter = new Limiter(1, 1, 1_000);
    const { opened, open } = gate();
    const works = [limiter.run(() => opened), limiter.run(() => opened)];
    await expect(limiter.run(() => opened)).rejects.toMatchObject({
      code: 'projections/rebuilds-overloaded',
    });
    open();
    await Promise.all(works);
  });

  it('sends away who stood in line for too long, and keeps the places of the others', async () => {
    const limiter = new Limiter(1, 2, 20);
    const { opened, open } = gate();
    const first = limiter.run(() => opened);
    await expect(limiter.run(() => opened)).rejects.toThrow(/within 20 ms/);
    const second = limiter.run(async () => 'second');
    open();
    await first;
    expect(await second).toBe('second');
  });

  it('gives the place back when the work fails', async () => {
    const limiter = new Limiter(1, 1, 1_000);
    await expect(limiter.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await limiter.run(async () => 'yes')).toBe('yes');
  });
});
