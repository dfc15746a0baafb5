import { MessageBench } from './support/message-bench';
import { OpenNats } from './support/open-nats';
import { expectCounters } from './support/queue-counters';
import { QueueLoad } from './support/queue-load';

jest.setTimeout(1_500_000);

const COUNT = 100_000;

/** Goal: the view of a queue counts right. Method: 100,000 messages with copies and poison, against sets of the test's own. */
describe(`the view of a queue with ${COUNT} messages`, () => {
  let bench: MessageBench;
  beforeAll(async () => {
    bench = await MessageBench.start(await OpenNats.start());
  });
  afterAll(() => bench.stop());

  it('counts what was sent, consumed and given up on, each once, also when it is built anew', async () => {
    const load = new QueueLoad(bench, 'counted', COUNT);
    await load.run();
    await expectCounters(bench, 'counted', load, 600_000);
  });
});
