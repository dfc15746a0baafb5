import { CallCounter } from './call-counter';

describe('a counter of calls', () => {
  const counter = new CallCounter();

  it('tells a repeated call from another one', () => {
    counter.count('run-1:reserve', 10);
    counter.count('run-1:pay', 20);
    counter.count('run-1:reserve', 30);
    expect(counter.total).toBe(3);
    expect(counter.take()).toEqual({
      calls: 3,
      keys: 2,
      repeated: [{ key: 'run-1:reserve', atMs: [10, 30] }],
    });
  });

  it('begins anew with each report', () => {
    counter.count('run-1:reserve', 40);
    expect(counter.take()).toEqual({ calls: 1, keys: 1, repeated: [] });
  });
});
