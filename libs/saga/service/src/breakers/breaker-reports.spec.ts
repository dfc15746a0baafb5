import type { Report } from '@downbeat/breakers';
import { healthContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { NoOutcome, type CommandOutcome, type MessageBus } from '@downbeat/message-bus';
import { BREAKER_POLICY, BreakerRules, type BreakerPolicy } from '@downbeat/resilience';
import { Logger } from '@nestjs/common';
import { Admission } from '../admission/admission';
import { BreakerReports } from './breaker-reports';

const MINUTE = 60_000;
const impatient: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 2 }],
  open: { firstMs: 5_000, factor: 1, maxMs: 5_000, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: 60_000 },
};

/** A health context that hears, or does not. */
class Listener {
  readonly sent: { readonly id: string | undefined; readonly report: Report }[] = [];
  readonly heard = new Map<number, Report>();
  isDeaf = false;

  readonly bus = {
    command: async (subject: string, body: Report, options: { id?: string }) => {
      this.sent.push({ id: options.id, report: body });
      if (this.isDeaf) throw new NoOutcome(subject, String(options.id), 5_000);
      const valid = validate(healthContract.reportBreakers.data, body);
      if (valid instanceof Rejection) throw new Error(JSON.stringify(valid.errors));
      this.heard.set(body.report_no, body);
      return { accepted: true, position: 1, answer: {}, repeated: false } as CommandOutcome;
    },
  } as unknown as MessageBus;

  get held() {
    return [...this.heard.values()].flatMap(({ breakers }) => breakers);
  }

  get transitions(): readonly string[] {
    return this.held.flatMap(({ transitions }) => transitions.map(({ to }) => to));
  }

  get calls(): number {
    return this.held.flatMap(({ calls }) => calls).reduce((sum, { calls }) => sum + calls, 0);
  }
}

let listener: Listener;
let admission: Admission;
let reports: BreakerReports;
beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 2, 1, 9) });
  listener = new Listener();
  admission = new Admission({
    chance: () => 0.5,
    now: () => performance.now(),
    breaker: impatient,
  });
  reports = new BreakerReports(admission, listener.bus);
  reports.start('saga-1');
});
afterEach(async () => {
  await reports.stop();
  jest.useRealTimers();
});

beforeAll(() => Logger.overrideLogger(false));

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const call = (isGood: boolean, service = 'shop') => {
  const request = { service, priority: 'normal', key: undefined, label: 'r:s' } as const;
  const ticket = admission.enter(request);
  if (ticket.turn) return void admission.drop(ticket);
  admission.leave(
    ticket,
    isGood ? { kind: 'ok', output: null } : { kind: 'answer', status: 503, message: 'busy' },
  );
};
const open = () => {
  call(false);
  call(false);
};

describe('the reports of a replica', () => {
  it('tell of a transition within a second, with its evidence and the calls so far', async () => {
    call(true);
    open();
    await pass(1_000);
    expect(listener.held).toMatchObject([
      {
        service_name: 'downbeat-saga',
        target_service: 'shop',
        state: 'open',
        failure_count: 2,
        failure_threshold: 2,
        timeout_duration: 5,
        transitions: [
          {
            to: 'open',
            cause: { kind: 'tripped', evidence: { rule: 'consecutive', failures: 2 } },
          },
        ],
        calls: [{ from: '2026-03-01T09:00:00.000Z', calls: 3, failures: 2, failures_in_a_row: 2 }],
      },
    ]);
  });

  it('tell of calls by the minute, and of who is open as long as that is so', async () => {
    call(true);
    await pass(MINUTE - 1);
    expect(listener.heard.size).toBe(0);
    await pass(1_001);
    expect(listener.held).toMatchObject([{ state: 'closed', calls: [{ calls: 1 }] }]);
    open();
    await pass(3 * MINUTE);
    const last = listener.held.slice(-2);
    expect(last).toMatchObject([
      { state: 'open', calls: [] },
      { state: 'open', calls: [] },
    ]);
  });

  it('are sent as they were until somebody hears them, and lose nothing meanwhile', async () => {
    listener.isDeaf = true;
    let made = 0;
    for (let minute = 0; minute < 300; minute++) {
      if (minute % 10 === 0) open();
      else call(true);
      made += minute % 10 === 0 ? 2 : 1;
      await pass(MINUTE);
    }
    const [first] = listener.sent;
    expect(listener.sent.every(({ id }) => id === 'saga-1:1')).toBe(true);
    expect(listener.sent.every(({ report }) => report === first?.report)).toBe(true);
    listener.isDeaf = false;
    await pass(MINUTE);
    expect([...listener.heard.keys()]).toEqual(Array.from(listener.heard, (_, index) => index + 1));
    // Each ten minutes it opened, was tried and closed.
    const opened = listener.transitions.filter((to) => to === 'open');
    expect(opened).toHaveLength(30);
    expect(listener.transitions).toHaveLength(90);
    expect(listener.calls).toBe(made);
    expect(listener.held.every(({ transitions_lost }) => transitions_lost === 0)).toBe(true);
  });

  it('wait longer and longer for somebody who does not hear', async () => {
    listener.isDeaf = true;
    open();
    await pass(10 * MINUTE);
    expect(listener.sent.length).toBeGreaterThan(15);
    expect(listener.sent.length).toBeLessThan(35);
  });

  it('end with a goodbye', async () => {
    open();
    await pass(1_000);
    await reports.stop();
    expect(listener.sent.at(-1)?.report).toMatchObject({ is_leaving: true, report_no: 2 });
  });

  it('say what was carried out, and what is followed', async () => {
    call(true);
    const id = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';
    const rule = { source: '*', target: 'shop', pattern: '*', policy: BREAKER_POLICY, id };
    const order = {
      breakerId: id,
      target: 'shop',
      pattern: '*',
      orderNo: 4,
      reason: 'moving',
    } as const;
    const untilMs = performance.now() + 30_000;
    const until = new Date(Date.now() + 30_000).toISOString();
    admission.breakers.follow(new BreakerRules([rule], impatient), [
      { ...order, kind: 'forced-open', untilMs },
    ]);
    admission.lookAgain();
    await pass(1_000);
    expect(listener.held).toMatchObject([
      {
        state: 'open',
        mode: 'forced_open',
        follows: id,
        failure_threshold: 10,
        next_attempt_at: until,
        orders_done: [{ breaker_id: id, order_no: 4 }],
      },
    ]);
    await pass(31_000);
    expect(listener.held.at(-1)).toMatchObject({
      mode: 'automatic',
      transitions: [{ cause: { kind: 'force_expired', reason: 'moving' } }],
    });
  });

  it.each(['reset', 'release'] as const)(
    'say once that a breaker has carried out a %s, also when it went with its idle lane',
    async (kind) => {
      call(true);
      await pass(2 * MINUTE);
      const { length } = listener.sent;
      const breakerId = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';
      const order = { kind, reason: 'it was repaired', orderNo: 4 };
      admission.breakers.follow(new BreakerRules([], impatient), [
        { ...order, breakerId, target: 'shop', pattern: '*' },
      ]);
      // Once for its evidence, once because there is no more.
      for (let time = 0; time < 2; time++) admission.tell();
      expect(admission.view()).toEqual([]);
      await pass(20 * MINUTE);
      expect(listener.sent.slice(length)).toMatchObject([
        { report: { breakers: [{ state: 'closed', orders_done: [{ order_no: 4 }] }] } },
      ]);
    },
  );
});
