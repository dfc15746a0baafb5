import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';
import type { NatsMessageBus } from './nats-message-bus';

const SOON_MS = 30_000;

describe('how far messages are followed', () => {
  let bench: NatsBench;
  let bus: NatsMessageBus;
  beforeAll(async () => {
    bench = await NatsBench.start();
    bus = await bench.connect();
  });
  afterAll(() => bench.stop());

  const follow = () =>
    bus.followMessages({
      onMessages: () => Promise.resolve(),
      onSettlements: () => Promise.resolve(),
    });
  const send = (id: string) =>
    bus.publishMessage({ subject: 'message.normal.a', messageId: id, headers: {}, payload: '{}' });
  const followed = async () => {
    const progress = await bus.serviceMessages.progress();
    return [progress?.followedThrough, progress?.lastSequence];
  };

  it('is past what was taken off the stream before it was handed on, and short of what waits', async () => {
    const created = await bus.serviceMessages.ensure([]);
    await send('m-1');
    const first = await follow();
    await eventually(async () => expect(await followed()).toEqual([1, 1]), SOON_MS);
    await first.stop();
    await send('m-2');
    await eventually(async () => expect(await followed()).toEqual([1, 2]), SOON_MS);
    await bus.serviceMessages.discard(created, [2]);
    await eventually(async () => expect(await followed()).toEqual([2, 2]), SOON_MS);
  });
});
