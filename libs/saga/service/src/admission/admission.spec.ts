import { BREAKER_POLICY, CONSECUTIVE_POLICY, type BreakerPolicy } from '@downbeat/resilience';
import type { CallResult } from '@downbeat/saga-domain';
import { Admission, type AdmissionOptions } from './admission';
import type { CallRequest, Ticket } from './call-request';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ok: CallResult = { kind: 'ok', output: null };
const busy: CallResult = { kind: 'answer', status: 503, message: 'busy' };
const refused: CallResult = { kind: 'answer', status: 409, message: 'sold out' };
const breaker: BreakerPolicy = {
  trips: [{ kind: 'time-window', windowMs: 10_000, callsMin: 4, failureShare: 0.5 }],
  open: { ...BREAKER_POLICY.open, firstMs: 1_000 },
  release: { kind: 'cohorts', cohortMax: 2, pauseMs: 0, answerMaxMs: 60_000 },
};

const admissionOf = (more: Partial<AdmissionOptions> = {}) =>
  new Admission({ chance: () => 0.5, now: () => Date.now(), breaker, ...more });

/** Calls that ask to go to `pay`, and the order in which they went. */
class Callers {
  readonly went: string[] = [];
  private readonly tickets = new Map<string, Ticket>();

  constructor(private readonly admission: Admission) {}

  ask(label: string, more: Partial<CallRequest> = {}): void {
    const request = { service: 'pay', priority: 'normal', key: undefined, label, ...more } as const;
    const ticket = this.admission.enter(request);
    this.tickets.set(label, ticket);
    if (ticket.turn) void ticket.turn.then((mayGo) => mayGo && this.went.push(label));
    else this.went.push(label);
  }

  async came(label: string, result: CallResult | undefined = ok): Promise<void> {
    const ticket = this.tickets.get(label);
    if (ticket) this.admission.leave(ticket, result);
    await jest.advanceTimersByTimeAsync(0);
  }

  drop(label: string): void {
    const ticket = this.tickets.get(label);
    if (ticket) this.admission.drop(ticket);
  }
}

const limited = (limits: object, replicas = 1, is_paused = false) => {
  const admission = admissionOf();
  admission.follow([{ service_name: 'pay', is_paused, limits }], replicas);
  return { admission, callers: new Callers(admission) };
};
const whys = (admission: Admission) => admission.view()[0]?.waits.map(({ because }) => because);

describe('calls under way to a target', () => {
  it('are bounded, and the next goes when one comes back', async () => {
    const { admission, callers } = limited({ concurrency_max: 2 });
    for (const label of ['a', 'b', 'c']) callers.ask(label);
    expect(callers.went).toEqual(['a', 'b']);
    expect(whys(admission)).toEqual(['concurrency-limit']);
    await callers.came('a');
    expect(callers.went).toEqual(['a', 'b', 'c']);
    await callers.came('b');
    await callers.came('c');
    expect([admission.underWay, admission.waiting]).toEqual([0, 0]);
  });

  it('are shared among the replicas', () => {
    const { callers } = limited({ concurrency_max: 6 }, 3);
    for (const label of ['a', 'b', 'c']) callers.ask(label);
    expect(callers.went).toEqual(['a', 'b']);
  });

  it('go by weight of their priority, the oldest first, and low ones too', async () => {
    const { callers } = limited({ concurrency_max: 1 });
    callers.ask('first');
    for (let number = 0; number < 30; number++)
      for (const priority of ['low', 'normal', 'high', 'critical'] as const)
        callers.ask(`${priority}-${number}`, { priority });
    for (let turn = 0; turn < 15; turn++) await callers.came(callers.went[turn] ?? '');
    const counted = (name: string) => callers.went.filter((label) => label.startsWith(name));
    expect(['critical', 'high', 'normal', 'low'].map((name) => counted(name).length)).toEqual([
      8, 4, 2, 1,
    ]);
    expect(counted('critical')).toEqual(
      Array.from({ length: 8 }, (_, number) => `critical-${number}`),
    );
  });

  it('are given up without a trace', async () => {
    const { admission, callers } = limited({ concurrency_max: 1 });
    for (const label of ['a', 'b', 'c']) callers.ask(label);
    callers.drop('b');
    callers.drop('b');
    expect(admission.waiting).toBe(1);
    await callers.came('a');
    expect(callers.went).toEqual(['a', 'c']);
  });
});

describe('a key', () => {
  it('that has enough holds up nobody else', async () => {
    const { admission, callers } = limited({ key_concurrency_max: 1 });
    callers.ask('one-1', { key: 'one' });
    callers.ask('one-2', { key: 'one' });
    callers.ask('two-1', { key: 'two' });
    callers.ask('free');
    await jest.advanceTimersByTimeAsync(0);
    expect(callers.went).toEqual(['one-1', 'two-1', 'free']);
    expect(whys(admission)).toEqual(['key-limit']);
    await callers.came('one-1');
    expect(callers.went).toContain('one-2');
  });

  it('has a rate of its own', async () => {
    const { callers } = limited({ key_rate_per_second: 2 });
    for (const label of ['a', 'b', 'c', 'd']) callers.ask(label, { key: 'one' });
    await jest.advanceTimersByTimeAsync(0);
    expect(callers.went).toEqual(['a', 'b']);
    await jest.advanceTimersByTimeAsync(500);
    expect(callers.went).toEqual(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(500);
    expect(callers.went).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a rate', () => {
  it('lets a second of calls go at once, then one after the other', async () => {
    const { admission, callers } = limited({ rate_per_second: 4 });
    for (let number = 0; number < 7; number++) callers.ask(`${number}`);
    expect(callers.went).toHaveLength(4);
    expect(whys(admission)?.[0]).toBe('rate-limit');
    await jest.advanceTimersByTimeAsync(250);
    expect(callers.went).toHaveLength(5);
    await jest.advanceTimersByTimeAsync(500);
    expect(callers.went).toHaveLength(7);
  });
});

describe('a paused target', () => {
  it('is not called until it is resumed', async () => {
    const { admission, callers } = limited({}, 1, true);
    callers.ask('a');
    expect(whys(admission)).toEqual(['target-paused']);
    admission.follow([], 1);
    await jest.advanceTimersByTimeAsync(0);
    expect(callers.went).toEqual(['a']);
  });
});

describe('a target that fails', () => {
  const failing = async () => {
    const admission = admissionOf();
    const callers = new Callers(admission);
    for (const label of ['a', 'b', 'c', 'd']) callers.ask(label);
    for (const label of ['a', 'b', 'c', 'd']) await callers.came(label, busy);
    return { admission, callers };
  };

  it('is left alone for a while, then tried by one, by two, and is open to all again', async () => {
    const { admission, callers } = await failing();
    for (let number = 0; number < 6; number++) callers.ask(`${number}`);
    expect(whys(admission)?.[0]).toBe('breaker-open');
    await jest.advanceTimersByTimeAsync(999);
    expect(callers.went).toHaveLength(4);
    await jest.advanceTimersByTimeAsync(1);
    expect(callers.went.slice(4)).toEqual(['0']);
    await callers.came('0');
    expect(callers.went.slice(4)).toEqual(['0', '1', '2']);
    await callers.came('1');
    expect(callers.went.slice(4)).toHaveLength(3);
    await callers.came('2', refused);
    expect(callers.went.slice(4)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('is known to those that did not call it themselves', async () => {
    const { admission } = await failing();
    const other = admissionOf();
    for (const [service, evidence] of admission.tell()) other.hear(service, evidence);
    const callers = new Callers(other);
    callers.ask('a');
    expect([callers.went, whys(other)]).toEqual([[], ['breaker-open']]);
    expect(admission.tell().size).toBe(0);
  });

  it('is tried with another call when the one that was to try was not sent', async () => {
    const { callers } = await failing();
    callers.ask('x');
    callers.ask('y');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(callers.went.slice(4)).toEqual(['x']);
    await callers.came('x', undefined);
    expect(callers.went.slice(4)).toEqual(['x', 'y']);
  });
});

it('forgets targets that nobody calls', async () => {
  const admission = admissionOf();
  const callers = new Callers(admission);
  callers.ask('a');
  await callers.came('a');
  admission.tell();
  expect(admission.view()).toHaveLength(1);
  // What counts for its breaker is kept as long as it counts.
  admission.tell();
  expect(admission.view()).toHaveLength(1);
  jest.advanceTimersByTime(10_000);
  admission.tell();
  expect(admission.view()).toEqual([]);
});

it('remembers failures in a row of a target that is seldom called', async () => {
  const breaker: BreakerPolicy = {
    ...CONSECUTIVE_POLICY,
    trips: [{ kind: 'consecutive', failures: 3 }],
  };
  const admission = admissionOf({ breaker });
  const callers = new Callers(admission);
  for (const label of ['a', 'b', 'c']) {
    callers.ask(label);
    await callers.came(label, busy);
    jest.advanceTimersByTime(60_000);
    admission.tell();
    admission.tell();
  }
  expect(admission.view()).toMatchObject([{ breaker: 'open' }]);
});
