import { busBehaviours } from './bus-behaviours';
import { eventually } from '@downbeat/local-servers/testing';
import { MemoryDeadLetters } from './memory-dead-letters';
import { MemoryMessageBus } from './memory-message-bus';

describe('the bus in memory', () => {
  it.each(Object.entries(busBehaviours))('%s', async (_, behave) => {
    const deadLetters = new MemoryDeadLetters();
    const bus = new MemoryMessageBus({ deadLetters });
    try {
      await behave({ bus, deadLetters, send: (...message) => bus.send(...message) });
    } finally {
      await bus.close();
    }
  });

  it('tells a consumer of events that their stream was lost', async () => {
    const bus = new MemoryMessageBus();
    await bus.ensureEventStream('registry');
    const seen: [boolean, number][] = [];
    await bus.consumeEvents({
      source: 'registry',
      durable: 'saga',
      handle: ({ events, streamIsNew }) => {
        seen.push([streamIsNew, events.length]);
        return Promise.resolve();
      },
    });
    bus.loseEventStream('registry');
    await bus.ensureEventStream('registry');
    await eventually(() => expect(seen).toEqual([[true, 0]]));
    await bus.close();
  });
});
