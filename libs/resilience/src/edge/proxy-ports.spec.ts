import { endpoint } from '../balancing/testing/endpoints';
import { ServiceProxy } from '../proxy/service-proxy';
import { proxyPorts } from './proxy-ports';
import { TimeOuts } from './time-outs';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const request = { method: 'GET', path: '/' };

function proxy(transport: () => Promise<number>, ports = proxyPorts()) {
  const all = [endpoint('a'), endpoint('b')];
  return new ServiceProxy({
    source: 'shop',
    directory: { revision: 1, lookup: () => all, lookupCapability: () => undefined },
    transport,
    ports,
  });
}

/** The clock of before the timers were faked would go on as ever. */
const faked = () => {
  const now = () => Date.now();
  return { ...proxyPorts(), now, timeOuts: new TimeOuts(now) };
};

describe('a proxy at work', () => {
  it('has one timer for all calls, none when there are none, and makes no signal', async () => {
    const { AbortController: real } = globalThis;
    let made = 0;
    globalThis.AbortController = class extends real {
      constructor() {
        super();
        made++;
      }
    };
    const billing = proxy(() => Promise.resolve(1)).service('billing');
    const all = Array.from({ length: 100 }, () => billing.withHedging().call(request));
    expect(jest.getTimerCount()).toBe(1);
    expect((await Promise.all(all)).map(({ answer }) => answer)).toEqual(all.map(() => 1));
    await jest.advanceTimersByTimeAsync(20);
    expect([jest.getTimerCount(), made]).toEqual([0, 0]);
    globalThis.AbortController = real;
  });

  it('ends a call whose transport never does', async () => {
    const billing = proxy(() => new Promise(() => undefined), faked()).service('billing');
    const ended = billing
      .withDeadline(50)
      .withAttempts(1)
      .call(request)
      .catch((one: unknown) => one);
    await jest.advanceTimersByTimeAsync(80);
    await expect(ended).resolves.toMatchObject({
      code: 'resilience/timed-out',
      outcome: 'unknown',
    });
    expect(jest.getTimerCount()).toBe(0);
  });
});
