import type { RecordedEvent } from '@downbeat/eventsourcing';
import { MemoryEventStore } from '../memory/memory-event-store';
import { MemoryLog } from '../memory/memory-log';
import { appendOf, freshStream } from '../testing/sample-appends';
import { upcast, type Upcasters } from './upcast';

const raised = (event: RecordedEvent, data: unknown): RecordedEvent => ({
  ...event,
  schema_version: event.schema_version + 1,
  data,
});
const upcasters: Upcasters = {
  Happened: {
    1: (event) => raised(event, { numbers: [(event.data as { n: number }).n] }),
    2: (event) => raised(event, { ...(event.data as object), unit: 'ms' }),
  },
  Stuck: { 1: (event) => event },
};

describe('upcasting', () => {
  it('chains from the stored shape to the newest, wherever events are read', async () => {
    const store = new MemoryEventStore(new MemoryLog(), 'registry', upcasters);
    const stream = freshStream();
    await store.append(appendOf(stream, 0, [7]));
    const newest = { schema_version: 3, data: { numbers: [7], unit: 'ms' } };
    expect(await store.load(stream)).toEqual([expect.objectContaining(newest)]);
    expect((await store.read(0)).events).toEqual([expect.objectContaining(newest)]);
  });

  it('leaves events alone that are new or unknown, whatever they are called', () => {
    for (const type of ['Happened', 'Other', 'constructor', '__proto__']) {
      const event = { type, schema_version: 3, data: 1 } as RecordedEvent;
      expect(upcast(event, upcasters)).toBe(event);
    }
  });

  it('refuses an upcaster that would never end', () => {
    const stuck = { type: 'Stuck', schema_version: 1 } as RecordedEvent;
    expect(() => upcast(stuck, upcasters)).toThrow(RangeError);
  });
});
