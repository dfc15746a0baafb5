import { reportListening } from '../runtime/parent-process';
import { Probes } from './probes';

describe('probes', () => {
  it('are ready when each part is', () => {
    const probes = new Probes();
    let isReady = true;
    probes.add({ name: 'a', check: () => ({ isReady: true }) });
    probes.add({ name: 'b', check: () => ({ isReady, details: { lag: 3 } }) });
    expect([probes.isReady(), probes.report().status]).toEqual([true, 'ready']);
    isReady = false;
    expect([probes.isReady(), probes.report()]).toEqual([
      false,
      {
        status: 'not-ready',
        checks: { a: { isReady: true }, b: { isReady: false, details: { lag: 3 } } },
      },
    ]);
  });

  it('are not ready once the process stops', () => {
    const probes = new Probes();
    probes.stop();
    expect([probes.isReady(), probes.report().status]).toEqual([false, 'stopping']);
  });
});

describe('the process that started this one', () => {
  const { send } = process;
  afterEach(() => {
    if (send) process.send = send;
    else delete process.send;
  });

  it('is told where this one listens, and takes it along when it ends', () => {
    const told: unknown[] = [];
    process.send = ((message: unknown) => told.push(message)) as never;
    const end = jest.fn();
    const before = process.listeners('disconnect');
    reportListening('http://127.0.0.1:1', end);
    const [heard] = process.listeners('disconnect').filter((one) => !before.includes(one));
    expect(told).toEqual([{ type: 'listening', url: 'http://127.0.0.1:1' }]);
    expect(end).not.toHaveBeenCalled();
    heard?.();
    expect(end).toHaveBeenCalledTimes(1);
    process.removeListener('disconnect', heard as never);
  });

  it('need not be there', () => {
    delete process.send;
    const count = process.listenerCount('disconnect');
    reportListening('http://127.0.0.1:1', () => undefined);
    expect(process.listenerCount('disconnect')).toBe(count);
  });
});
