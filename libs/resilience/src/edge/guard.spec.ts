import { setImmediate as turn } from 'node:timers/promises';
import { BREAKER_POLICY } from '../breaker/breaker-policy';
import { CircuitBreaker } from '../breaker/circuit-breaker';
import { Deadline } from '../deadline/deadline';
import { Retrier } from '../retry/retrier';
import { RetryBudget } from '../retry/retry-budget';
import { RETRY_POLICY } from '../retry/retry-policy';
import type { AttemptContext } from './attempt';
import { Guard } from './guard';
import { TimeOuts } from './time-outs';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const fault = Object.assign(new Error('busy'), { status: 503 });
const refused = Object.assign(new Error('sold out'), { status: 409 });
const now = () => Date.now();

function guarded(attemptsMax = 1) {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const policy = {
    ...RETRY_POLICY,
    attemptsMax,
    jitter: 'none' as const,
    backoff: { kind: 'fixed' as const, delayMs: 50 },
  };
  const breaker = new CircuitBreaker(
    { ...BREAKER_POLICY, trips: [{ kind: 'consecutive', failures: 3 }] },
    () => 0.5,
  );
  const budget = new RetryBudget({ share: 1, perSecond: 0, burst: 10 });
  const retrier = new Retrier(policy, { now, chance: () => 0.5, wait }, budget);
  const timeOuts = new TimeOuts(now);
  const guard = new Guard(breaker, retrier, timeOuts, { timeoutMs: 100 });
  return { breaker, budget, timeOuts, guard };
}
const never = () => new Promise<never>(() => undefined);
const failure = (running: Promise<unknown>) => running.catch((reason: unknown) => reason);

describe('a guarded call', () => {
  it('answers as if nothing were around it, and leaves no time-out behind', async () => {
    const { guard, timeOuts, breaker } = guarded();
    await expect(guard.call(({ number }) => Promise.resolve(number))).resolves.toBe(1);
    await expect(guard.call(() => Promise.reject(refused))).rejects.toBe(refused);
    expect(timeOuts.waiting).toBe(0);
    expect(breaker.statistics(now()).totals).toMatchObject({ calls: 2, failures: 0 });
    await jest.advanceTimersByTimeAsync(20);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('has one timer, however many calls wait', async () => {
    const { guard } = guarded();
    const all = Array.from({ length: 100 }, () => failure(guard.call(never)));
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(200);
    await Promise.all(all);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends when it takes too long, and aborts what it was', async () => {
    const { guard, breaker } = guarded();
    let seen: AbortSignal | undefined;
    const ended = failure(
      guard.call(({ signal }) => {
        seen = signal;
        return never();
      }),
    );
    await jest.advanceTimersByTimeAsync(99);
    expect(seen?.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(21);
    const reason = await ended;
    expect(reason).toMatchObject({ code: 'resilience/timed-out' });
    expect((reason as Error).stack).toBe('Refusal: no answer in time');
    expect([seen?.aborted, seen?.reason]).toEqual([true, reason]);
    expect(breaker.statistics(now()).totals).toMatchObject({ calls: 1, failures: 1 });
  });

  it('does not hold it against the target that its caller is in a hurry', async () => {
    const { guard, breaker, timeOuts } = guarded();
    const hasty = failure(guard.call(never, { deadline: Deadline.after(50, now()) }));
    const patient = failure(guard.call(never, { deadline: Deadline.after(100, now()) }));
    await jest.advanceTimersByTimeAsync(120);
    for (const one of [hasty, patient])
      expect(await one).toMatchObject({ code: 'resilience/timed-out' });
    expect(breaker.statistics(now()).totals).toMatchObject({ calls: 1, failures: 1 });
    expect(timeOuts.waiting).toBe(0);
  });

  it('makes no signal that nobody asks for, and an aborted one for whoever asks late', async () => {
    const { AbortController: real } = globalThis;
    let made = 0;
    globalThis.AbortController = class extends real {
      constructor() {
        super();
        made++;
      }
    };
    const { guard } = guarded();
    let context: AttemptContext | undefined;
    const heard: unknown[] = [];
    const ended = failure(
      guard.call((one) => {
        context = one;
        one.onGivenUp((reason) => heard.push(reason));
        return never();
      }),
    );
    await jest.advanceTimersByTimeAsync(120);
    const reason = await ended;
    context?.onGivenUp((late) => heard.push(late));
    expect(heard).toEqual([reason, reason]);
    expect(made).toBe(0);
    expect([context?.signal.aborted, made]).toEqual([true, 1]);
    globalThis.AbortController = real;
  });

  it('is not sent while the breaker is open, and the refusal says for how long', async () => {
    const { guard, breaker } = guarded();
    for (let one = 0; one < 3; one++) await failure(guard.call(() => Promise.reject(fault)));
    const operation = jest.fn(() => Promise.resolve());
    await expect(guard.call(operation)).rejects.toMatchObject({
      code: 'resilience/breaker-open',
      retryAfterMs: 2_000,
    });
    expect(operation).not.toHaveBeenCalled();
    expect(breaker.statistics(now()).totals.refused).toBe(1);
  });

  it('is made again, each attempt with its own time and signal', async () => {
    const { guard } = guarded(3);
    const contexts: AttemptContext[] = [];
    const ended = guard.call(
      (context) => {
        contexts.push(context);
        return context.number < 3 ? never() : Promise.resolve('late');
      },
      { isRepeatable: true },
    );
    await jest.advanceTimersByTimeAsync(500);
    await expect(ended).resolves.toBe('late');
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
  });

  it('that may have happened is not made again unless it may be repeated', async () => {
    const { guard } = guarded(3);
    const operation = jest.fn(never);
    const ended = failure(guard.call(operation));
    await jest.advanceTimersByTimeAsync(500);
    await expect(ended).resolves.toMatchObject({ code: 'resilience/timed-out' });
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it('has no more time than its caller, and is not begun when there is none', async () => {
    const { guard } = guarded(3);
    const operation = jest.fn(({ deadline }: AttemptContext) => {
      expect(deadline.leftMs(now())).toBe(30);
      return never();
    });
    const deadline = Deadline.after(30, now());
    const ended = failure(guard.call(operation, { deadline, isRepeatable: true }));
    await jest.advanceTimersByTimeAsync(500);
    await ended;
    expect(operation).toHaveBeenCalledTimes(1);
    await expect(guard.call(operation, { deadline })).rejects.toMatchObject({
      code: 'resilience/deadline-passed',
    });
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it('that may have happened does not end as one that was never sent', async () => {
    const { guard, breaker } = guarded(3);
    for (let seen = 0; seen < 2; seen++) breaker.came(breaker.take(now()), false, now());
    const operation = jest.fn(never);
    const ended = failure(guard.call(operation, { isRepeatable: true }));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(breaker.name).toBe('open');
    expect(operation).toHaveBeenCalledTimes(1);
    await expect(ended).resolves.toMatchObject({ code: 'resilience/timed-out' });
  });

  it('pays for retries only when it was sent', async () => {
    const { guard, breaker, budget } = guarded();
    for (let taken = 0; taken < 10; taken++) budget.tryTake(now());
    breaker.force('forced-open', now() + 1_000, 'a test', now());
    for (let call = 0; call < 5; call++) await failure(guard.call(() => Promise.resolve()));
    expect(budget.left(now())).toBe(0);
    breaker.reset('a test', now());
    await guard.call(() => Promise.resolve());
    expect(budget.left(now())).toBe(1);
  });

  it('counts what throws at once', async () => {
    const { guard, breaker, timeOuts } = guarded();
    const broken = new TypeError('broken');
    const operation = () => {
      throw broken;
    };
    await expect(guard.call(operation)).rejects.toBe(broken);
    expect([breaker.statistics(now()).totals.failures, timeOuts.waiting]).toEqual([1, 0]);
  });

  it('is over with its time-out: an answer that comes later counts for nothing', async () => {
    const { guard, breaker } = guarded();
    let answer: (value: string) => void = () => undefined;
    const ended = failure(guard.call(() => new Promise<string>((resolve) => (answer = resolve))));
    await jest.advanceTimersByTimeAsync(120);
    await expect(ended).resolves.toMatchObject({ code: 'resilience/timed-out' });
    answer('late');
    jest.useRealTimers();
    await turn();
    expect(breaker.statistics(now()).totals).toMatchObject({ calls: 1, failures: 1 });
  });
});
