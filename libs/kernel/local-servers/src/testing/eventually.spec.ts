import { eventually } from './eventually';

describe('eventually', () => {
  it('gives the answer as soon as there is one', async () => {
    let asked = 0;
    const ask = () => (++asked < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(asked));
    expect(await eventually(ask)).toBe(3);
    expect(asked).toBe(3);
  });

  it('waits for what throws at once as for what rejects', async () => {
    let asked = 0;
    await eventually(() => expect(++asked).toBe(2));
    expect(asked).toBe(2);
  });

  it('fails with the last reason once its time is over', async () => {
    let asked = 0;
    const ask = () => Promise.reject(new Error(`no ${++asked}`));
    const fault: unknown = await eventually(ask, 30).catch((reason: unknown) => reason);
    expect(fault).toEqual(new Error(`no ${asked}`));
    expect(asked).toBeGreaterThan(1);
  });
});
