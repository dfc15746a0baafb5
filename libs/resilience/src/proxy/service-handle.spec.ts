import { endpoint } from '../balancing/testing/endpoints';
import { Deadline } from '../deadline/deadline';
import { GET, scene } from './testing/scene';

const [a] = [endpoint('a')];

describe('a handle', () => {
  it('is not changed by a wish', async () => {
    const { proxy, arrived, pass } = scene([a]);
    const plain = proxy.service('billing');
    plain.withTimeout(10).withAttempts(1).withSession('s').withPriority('low');
    const running = plain.call(GET);
    const { context, answer } = await arrived();
    expect(context.deadline.atMs).toBe(100);
    await pass(20);
    answer();
    await expect(running).resolves.toMatchObject({ attempts: 1 });
  });

  it.each([
    ['a deadline', (handle: Handle) => handle.withDeadline(0)],
    ['a moment', (handle: Handle) => handle.withDeadline(Deadline.at(Number.NaN))],
    ['a time-out', (handle: Handle) => handle.withTimeout(Number.POSITIVE_INFINITY)],
    ['attempts', (handle: Handle) => handle.withAttempts(0)],
    ['a cache', (handle: Handle) => handle.withCache({ ttlMs: -1 })],
    ['a hedge', (handle: Handle) => handle.withHedging({ kind: 'fixed', ms: -1 })],
  ])('refuses %s that makes no sense', (_, wish) => {
    expect(() => wish(scene([a]).proxy.service('billing'))).toThrow(RangeError);
  });

  it('of the same service shares its target, of which there are not more than may be', async () => {
    const { proxy, arrived } = scene([a], { targetsMax: 2 });
    const running = proxy.service('one').call(GET);
    const { answer } = await arrived();
    for (const name of ['two', 'three', 'one']) proxy.service(name);
    expect(proxy.view()).toMatchObject([{ target: 'one', underWay: 1 }, { target: 'three' }]);
    answer();
    await running;
  });

  it('refuses a policy that makes no sense, as soon as it is made', () => {
    const { proxy } = scene([a], { policy: { timeoutMs: Number.NaN } });
    expect(() => proxy.service('billing')).toThrow(RangeError);
  });
});

type Handle = ReturnType<ReturnType<typeof scene>['proxy']['service']>;
