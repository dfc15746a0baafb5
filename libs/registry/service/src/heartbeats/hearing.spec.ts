import type { BusStatus } from '@downbeat/message-bus';
import { Hearing, type HearingOptions } from './hearing';

function stage(options: Partial<HearingOptions> = {}) {
  let status: BusStatus = 'connected';
  let takesCommands = true;
  let reconnected: () => void = () => undefined;
  let nowMs = 0;
  const done: string[] = [];
  const hearing = new Hearing(
    {
      status: () => status,
      takesCommands: () => takesCommands,
      onReconnect: (listener) => {
        reconnected = listener;
        return () => (reconnected = () => undefined);
      },
    },
    { listenAnew: async () => void done.push('listen'), now: () => nowMs, ...options },
  );
  hearing.start();
  const look = async (fault?: Error, workMs = 0) => {
    await hearing
      .whileHearing(async () => {
        nowMs += workMs;
        jest.advanceTimersByTime(250);
        if (fault) throw fault;
        done.push('work');
      })
      .catch(() => done.push('fault'));
    return done.splice(0);
  };
  return {
    hearing,
    look,
    become: (now: BusStatus) => (status = now),
    reconnect: () => reconnected(),
    take: (now: boolean) => (takesCommands = now),
    /** The process does not run; its timers come late. */
    freeze: (ms: number) => (nowMs += ms),
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('works while it hears', async () => {
  const { look } = stage();
  expect([await look(), await look()]).toEqual([['work'], ['work']]);
});

it('listens first when it did not hear from the beginning', async () => {
  const { look } = stage({ wasHearing: false });
  expect([await look(), await look()]).toEqual([['listen', 'work'], ['work']]);
});

it('does nothing while the bus is away, and listens anew when it is back', async () => {
  const { look, become } = stage();
  become('disconnected');
  expect(await look()).toEqual([]);
  become('connected');
  expect([await look(), await look()]).toEqual([['listen', 'work'], ['work']]);
});

it('does nothing while no command gets here, though the bus is there', async () => {
  const { look, take } = stage();
  take(false);
  expect([await look(), await look()]).toEqual([[], []]);
  take(true);
  expect([await look(), await look()]).toEqual([['listen', 'work'], ['work']]);
});

it('listens anew after a reconnect that happened between two looks', async () => {
  const { look, reconnect, hearing } = stage();
  reconnect();
  expect([await look(), await look()]).toEqual([['listen', 'work'], ['work']]);
  hearing.stop();
  reconnect();
  expect(await look()).toEqual(['work']);
});

it('takes a fault for deafness, unless it says nothing about what was heard', async () => {
  const harmless = new Error('behind');
  const { look } = stage({ isHarmless: (fault) => fault === harmless });
  expect([await look(harmless), await look()]).toEqual([['fault'], ['work']]);
  expect([await look(new Error('lost')), await look()]).toEqual([['fault'], ['listen', 'work']]);
});

it.each([
  ['before its timers, which come late', () => undefined],
  ['after them', () => jest.advanceTimersByTime(250)],
])('listens anew when the process did not run for a while: %s', async (_, runTimers) => {
  const { look, freeze } = stage();
  freeze(900);
  runTimers();
  expect(await look()).toEqual(['work']);
  freeze(1_500);
  runTimers();
  expect([await look(), await look()]).toEqual([['listen', 'work'], ['work']]);
});

it('notices that it did not run in the midst of its work', async () => {
  const { look } = stage();
  expect([await look(undefined, 1_500), await look()]).toEqual([['work'], ['listen', 'work']]);
});
