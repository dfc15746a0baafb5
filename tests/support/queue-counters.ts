import { eventually } from '@downbeat/test-bench';
import type { MessageBench } from './message-bench';
import { countersOf, type QueueLoad } from './queue-load';

type Shown = Record<string, unknown>;

/** The view of a queue says what the test knows: now, from the past's point of view, and built from nothing. */
export async function expectCounters(
  bench: MessageBench,
  queue_name: string,
  { expected }: QueueLoad,
  withinMs: number,
): Promise<void> {
  const queue = async (as: object = {}): Promise<Shown & { position: number }> => {
    const { data, position } = await bench.query('list-queues', { queue_name }, as);
    return { ...((data as { queues: Shown[] }).queues[0] ?? {}), position };
  };
  const { message_count, ...counters } = countersOf(expected);
  const live = await eventually(
    () => queue(),
    (shown) => expect(shown).toMatchObject({ ...counters, message_count }),
    withinMs,
  );
  expect(live['consumers']).toMatchObject(
    ['mail', 'stock'].map((service_name) => ({
      service_name,
      consumed: expected.consumed[service_name]?.size,
      dead_letters: expected.dead[service_name]?.size,
    })),
  );
  // Asked of a position, the answer comes from a rebuild of all tables from the log.
  await eventually(
    () => queue({ at: live.position }),
    (shown) => expect(shown).toMatchObject(counters),
    withinMs,
  );
}
