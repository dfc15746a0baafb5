import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { fold, instantOf } from '@downbeat/eventsourcing';
import type { CommandOutcome, MessageBus } from '@downbeat/message-bus';
import {
  subscription,
  subscriptionStream,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { SubscribeService, SubscribeServiceHandler } from './subscribe-service';
import { UnsubscribeService, UnsubscribeServiceHandler } from './unsubscribe-service';

const SERVICE = { service_name: 'shipping', topics: ['paid'] };
const AT = instantOf(1_000_000);
const cause = (commandId: string) => ({
  commandId,
  meta: { correlation_id: 'c', causation_id: commandId, actor: 'shipping' },
});

describe('subscriptions that are asked for at once', () => {
  let store: MemoryEventStore;
  let handler: SubscribeServiceHandler;
  let ensured: number;
  const bus = {
    serviceMessages: {
      ensure: async () => `life-${++ensured}`,
      remove: async () => undefined,
    },
  } as unknown as MessageBus;
  beforeEach(() => {
    ensured = 0;
    store = new MemoryEventStore(new MemoryLog(), 'messaging');
    handler = new SubscribeServiceHandler(store, bus);
  });
  const subscribe = (id: string): Promise<CommandOutcome> =>
    handler.execute(new SubscribeService(SERVICE, AT, cause(id)));
  const unsubscribe = (): Promise<CommandOutcome> =>
    new UnsubscribeServiceHandler(store, bus).execute(
      new UnsubscribeService({ ...SERVICE, reason: 'x' }, AT, cause('end')),
    );
  const topics = async (): Promise<readonly string[]> => [
    ...fold(
      subscription,
      await store.load<SubscriptionEvent>(subscriptionStream('shipping')),
    ).keys(),
  ];

  it('share what became of the one that was carried out', async () => {
    const [first, ...others] = await Promise.all(['1', '2', '3', '4'].map(subscribe));
    expect(first).toMatchObject({ accepted: true, answer: { stream_created: 'life-1' } });
    expect(others).toHaveLength(3);
    for (const other of others)
      expect(other).toMatchObject({ repeated: false, answer: { stream_created: 'life-2' } });
  });

  it('take effect also when the one they waited for was carried out before their topic was unsubscribed', async () => {
    await subscribe('old');
    await unsubscribe();
    const busy = subscribe('old');
    const outcomes = await Promise.all([busy, subscribe('old'), subscribe('2'), subscribe('3')]);
    expect(outcomes.map((one) => one.accepted && one.repeated)).toEqual([true, true, false, false]);
    expect(await topics()).toEqual(['paid']);
  });
});
