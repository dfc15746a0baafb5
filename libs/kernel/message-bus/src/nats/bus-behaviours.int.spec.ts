import { busBehaviours } from '../testing/bus-behaviours';
import { NatsBench } from '../testing/nats-bench';

jest.setTimeout(20_000);

describe('the bus on NATS', () => {
  let bench: NatsBench;
  beforeEach(async () => {
    bench = await NatsBench.start();
  });
  afterEach(() => bench.stop());

  it.each(Object.entries(busBehaviours))('%s', async (_, behave) => behave(await bench.underTest()));
});
