import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { definitionControlStream } from '@downbeat/saga-domain';
import { PausedDefinitions } from './paused-definitions';

const at = instantOf(0);

/** The read model says that these are paused; the log, what was appended. */
async function following(...rows: readonly string[]) {
  const store = new MemoryEventStore(new MemoryLog(), 'saga');
  const paused = { workflow_name: 'order', reason: 'r', runs: 'leave', pause_no: 1, at };
  await store.append({
    stream: definitionControlStream('order'),
    expected: 0,
    events: [{ type: 'DefinitionPaused', data: paused }],
    meta: { correlation_id: 'c', causation_id: 'c', actor: 'test' },
  });
  const names = [...rows];
  const readModels = {
    ask: async () => ({ data: names.map((name) => ({ name })), position: 7 }),
  } as unknown as ReadModels;
  const bus = { onHint: () => () => undefined } as unknown as MessageBus;
  return { paused: new PausedDefinitions(store, readModels, bus), names };
}
const read = async (paused: PausedDefinitions) => {
  const changed = new Promise<void>((resolve) => void paused.onChange(resolve));
  paused.start();
  await changed;
  await paused.stop();
};

describe('the definitions that are paused', () => {
  it('are told from the log by a process that has read nothing yet', async () => {
    const { paused } = await following();
    expect([await paused.has('order'), await paused.has('other')]).toEqual([true, false]);
    expect(paused.position).toBe(0);
  });

  it('are told from memory when they were read', async () => {
    const { paused } = await following('other');
    await read(paused);
    expect([await paused.has('order'), await paused.has('other')]).toEqual([false, true]);
    expect(paused.position).toBe(7);
  });
});
