import { nanos } from 'nats';
import { NatsBench } from '../testing/nats-bench';
import type { NatsMessageBus } from './nats-message-bus';

const HOUR_MS = 3_600_000;

describe('a stream of events', () => {
  let bench: NatsBench;
  let owner: NatsMessageBus;
  let guest: NatsMessageBus;
  beforeEach(async () => {
    bench = await NatsBench.start();
    owner = await bench.connect({ streamBounds: { eventAgeMaxMs: HOUR_MS } });
    guest = await bench.connect({ streamBounds: { eventAgeMaxMs: 2 * HOUR_MS } });
  });
  afterEach(() => bench.stop());

  const consume = (durable: string) =>
    guest.consumeEvents({ source: 'registry', durable, handle: () => Promise.resolve() });
  const ageMs = async (): Promise<number> => {
    const { streams } = await bench.client.jetstreamManager();
    const { config } = await streams.info(`${bench.prefix}-event-registry`);
    return config.max_age / nanos(1);
  };

  it('is as its owner wants it, whatever those who read it are set to', async () => {
    await owner.ensureEventStream('registry');
    await consume('saga-services');
    expect(await ageMs()).toBe(HOUR_MS);
  });

  it('is made by whoever needs it first, and then made what its owner wants', async () => {
    await consume('saga-services');
    expect(await ageMs()).toBe(2 * HOUR_MS);
    await owner.ensureEventStream('registry');
    await consume('saga-others');
    expect(await ageMs()).toBe(HOUR_MS);
  });
});
