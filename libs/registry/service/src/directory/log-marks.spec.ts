import { EventStoreUnavailable } from '@downbeat/event-store';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instanceStream } from '@downbeat/registry-domain';
import { LogMarks } from './log-marks';

const meta = { correlation_id: 'c1', causation_id: 'c1', actor: 'test' };

async function logOf(events: number) {
  const store = new MemoryEventStore(new MemoryLog(() => 0), 'registry');
  const append = async (expected: number) => {
    const event = { type: 'InstanceRegistered', data: {} };
    await store.append({ stream: instanceStream('a'), expected, events: [event], meta });
  };
  for (let version = 0; version < events; version++) await append(version);
  return { store, append, marks: new LogMarks(store) };
}

it('holds what stands in it', async () => {
  const { marks } = await logOf(3);
  const mark = await marks.at(2);
  expect(mark).toMatchObject({ position: 2 });
  expect(mark && (await marks.holds(mark))).toBe(true);
});

it('does not hold what another log has at that position, nor what it has not come to', async () => {
  const { marks, append } = await logOf(3);
  const elsewhere = await (await logOf(9)).marks.at(2);
  expect(elsewhere && (await marks.holds(elsewhere))).toBe(false);
  const later = await (await logOf(9)).marks.at(4);
  expect(later && (await marks.holds(later))).toBe(false);
  expect(await marks.holds({ position: 70, event_id: 'x' })).toBe(false);
  await append(3);
  const now = await marks.at(4);
  expect(now && (await marks.holds(now))).toBe(true);
});

it('says nothing while the log cannot be read, and knows what it has seen', async () => {
  const { store, marks } = await logOf(3);
  const [first, second] = [await marks.at(1), await marks.at(2)];
  expect(first && (await marks.holds(first))).toBe(true);
  jest.spyOn(store, 'read').mockRejectedValue(new EventStoreUnavailable('it is away'));
  expect(first && (await marks.holds(first))).toBe(true);
  expect(second && (await marks.holds(second))).toBeUndefined();
});

it('asks once for what many ask at once, and lets nobody wait for a database that hangs', async () => {
  const { store, marks } = await logOf(3);
  const mark = await marks.at(2);
  if (!mark) throw new Error('there is none');
  let answer: () => void = () => undefined;
  const read = store.read.bind(store);
  const spy = jest.spyOn(store, 'read').mockImplementation(async (after, limit) => {
    await new Promise<void>((resolve) => (answer = resolve));
    return read(after, limit) as never;
  });
  jest.useFakeTimers();
  const asked = Array.from({ length: 100 }, () => marks.holds(mark));
  await jest.advanceTimersByTimeAsync(300);
  expect(new Set(await Promise.all(asked))).toEqual(new Set([undefined]));
  const again = marks.holds(mark);
  answer();
  expect(await again).toBe(true);
  jest.useRealTimers();
  expect(spy).toHaveBeenCalledTimes(1);
});

it('need not ask for what it has read itself', async () => {
  const { store, marks } = await logOf(3);
  const spy = jest.spyOn(store, 'read');
  marks.note({ position: 3, event_id: 'e3' });
  expect(await marks.holds({ position: 3, event_id: 'e3' })).toBe(true);
  expect(spy).not.toHaveBeenCalled();
});
