import { BreakerRules, type BreakerPolicy } from '@downbeat/resilience';
import type { BreakerOrder } from './breaker-orders';
import type { Report } from './breaker-report';
import { BreakerReporter, type ReportOutcome } from './breaker-reporter';
import { HeldBreakers } from './held-breakers';

const MINUTE = 60_000;
const POLICY: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 2 }],
  open: { firstMs: 60 * MINUTE, factor: 1, maxMs: 60 * MINUTE, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: MINUTE },
};
const MANY = Array.from({ length: 130 }, (_, one) => `shop-${one}`);
const RULES = new BreakerRules([], POLICY);
const TURNS_MAX = 50;
const ID = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';

let nowMs: number;
let outcome: ReportOutcome;
let sent: Report[];
let held: HeldBreakers;
let reporter: BreakerReporter;
beforeEach(() => {
  [nowMs, outcome, sent] = [0, 'taken', []];
  const calendar = () => Date.UTC(2026, 2, 1, 9) + nowMs;
  const options = { source: 'till', now: () => nowMs, calendar, chance: () => 0.5 };
  held = new HeldBreakers({ ...options, policy: POLICY });
  reporter = new BreakerReporter(held, 'till-1', {
    now: () => nowMs,
    send: (report) => {
      sent.push(report);
      return Promise.resolve(outcome);
    },
  });
});

const call = (target: string, isGood = true): void => {
  const { breaker } = held.hold(target);
  breaker.came(breaker.take(nowMs), isGood, nowMs);
};
const open = (target: string): void => {
  call(target, false);
  call(target, false);
};
/** As whoever holds it does. @returns How many turns it took until there was no more to tell. */
const afterMs = async (ms: number): Promise<number> => {
  nowMs += ms;
  let turns = 1;
  while ((await reporter.turn()) && turns < TURNS_MAX) turns++;
  return turns;
};
const told = () => sent.flatMap(({ breakers }) => breakers);
const targets = () => told().map(({ target_service }) => target_service);
const callsOf = (target: string): number =>
  told()
    .filter(({ target_service }) => target_service === target)
    .flatMap(({ calls }) => calls)
    .reduce((sum, { calls }) => sum + calls, 0);

describe('reports of more breakers than one has room for', () => {
  it('tell of the calls of all of them', async () => {
    for (let minute = 1; minute <= 3; minute++) {
      for (const target of MANY) call(target);
      expect(await afterMs(MINUTE)).toBe(3);
    }
    expect(MANY.map(callsOf)).toEqual(MANY.map(() => 3));
    expect(sent.every(({ breakers }) => breakers.length <= 100)).toBe(true);
  });

  it('tell each minute of all that are open, each once', async () => {
    for (const target of MANY) open(target);
    await afterMs(1_000);
    for (let minute = 0; minute < 3; minute++) {
      sent.length = 0;
      await afterMs(MINUTE);
      expect(targets().sort()).toEqual([...MANY].sort());
    }
  });

  it('go on where they were when nobody heard', async () => {
    for (const target of MANY) call(target);
    outcome = 'unheard';
    expect(await afterMs(MINUTE)).toBe(1);
    outcome = 'taken';
    sent.length = 0;
    await afterMs(2_000);
    expect(MANY.map(callsOf)).toEqual(MANY.map(() => 1));
  });

  it('say goodbye for each of them, with its last calls', async () => {
    for (const target of MANY) call(target);
    await afterMs(MINUTE);
    for (const target of MANY.slice(0, 70)) call(target);
    sent.length = 0;
    await reporter.leave();
    expect(sent.every(({ is_leaving }) => is_leaving)).toBe(true);
    expect([...new Set(targets())].sort()).toEqual([...MANY].sort());
    expect(MANY.map(callsOf)).toEqual(MANY.map((_, one) => (one < 70 ? 1 : 0)));
  });

  it('say no goodbye for longer than a second', async () => {
    for (const target of MANY) call(target);
    await afterMs(MINUTE);
    sent.length = 0;
    const slow = new BreakerReporter(held, 'till-1', {
      now: () => nowMs,
      send: (report, _, timeoutMs) => {
        if (report.is_leaving) expect(timeoutMs).toBeLessThanOrEqual(1_000);
        sent.push(report);
        nowMs += 600;
        return Promise.resolve('taken');
      },
    });
    call('shop-0');
    nowMs += MINUTE;
    await slow.turn();
    sent.length = 0;
    await slow.leave();
    expect(sent).toHaveLength(2);
  });
});

describe('orders that a breaker carried out', () => {
  const order = (target: string): BreakerOrder => ({
    breakerId: ID,
    target,
    pattern: '*',
    orderNo: 4,
    kind: 'release',
    reason: 'moved',
  });
  const follow = (target: string) => held.follow(RULES, [order(target)]);
  const done = () => told().flatMap(({ orders_done }) => orders_done);

  it('are told by it', async () => {
    held.hold('shop');
    follow('shop');
    expect(await afterMs(1_000)).toBe(1);
    expect(done()).toMatchObject([{ breaker_id: ID, order_no: 4 }]);
    expect(held.changed()).toEqual([]);
  });

  it('are told once when it is gone, and nothing more of it', async () => {
    held.hold('shop');
    follow('shop');
    held.drop('shop');
    expect(await afterMs(1_000)).toBe(1);
    expect(told()).toMatchObject([
      { target_service: 'shop', state: 'closed', orders_done: [{ order_no: 4 }] },
    ]);
    await afterMs(20 * MINUTE);
    held.hold('shop');
    await afterMs(20 * MINUTE);
    expect(done()).toHaveLength(1);
  });

  it('are told of many that are gone', async () => {
    for (const target of MANY) held.hold(target);
    follow('*');
    for (const target of MANY) held.drop(target);
    expect(await afterMs(1_000)).toBe(3);
    expect(targets().sort()).toEqual([...MANY].sort());
    expect(done()).toHaveLength(MANY.length);
  });

  it('force one again that is made anew', async () => {
    const untilMs = 60 * MINUTE;
    held.follow(RULES, [{ ...order('shop'), kind: 'forced-open', untilMs }]);
    const waitMs = () => held.hold('shop').breaker.waitMs(nowMs);
    expect(waitMs()).toBe(60 * MINUTE);
    await afterMs(1_000);
    held.drop('shop');
    expect(waitMs()).toBe(60 * MINUTE - 1_000);
    await afterMs(1_000);
    expect(done()).toHaveLength(1);
    expect(told().at(-1)).toMatchObject({ mode: 'forced_open', transitions: [{ to: 'open' }] });
  });
  it('are told of one that was gone before they were given, as the next one of its name is', async () => {
    held.hold('shop');
    held.hold('stock');
    held.drop('shop');
    held.drop('stock');
    nowMs += 2 * MINUTE;
    held.hold('stock');
    held.follow(RULES, [{ ...order('shop'), kind: 'forced-open', untilMs: 60 * MINUTE }]);
    await afterMs(1_000);
    expect(told()).toMatchObject([
      { target_service: 'shop', mode: 'forced_open', orders_done: [{ order_no: 4 }] },
    ]);
    expect(held.hold('shop').breaker.waitMs(nowMs)).toBeGreaterThan(0);
    await afterMs(MINUTE);
    expect(done()).toHaveLength(1);
  });

  it('are not told of one that has been gone for long', async () => {
    held.hold('shop');
    held.drop('shop');
    nowMs += 3 * MINUTE;
    follow('shop');
    await afterMs(1_000);
    expect(done()).toEqual([]);
  });
  it('are not told of one that no report can name', async () => {
    const nameless = { source: 'till', target: 'no name\n', pattern: '*' };
    held.breakers.of(nameless.source, nameless.target, '', nowMs);
    held.breakers.drop(nameless);
    follow('*');
    await afterMs(1_000);
    expect(sent).toEqual([]);
  });
});
