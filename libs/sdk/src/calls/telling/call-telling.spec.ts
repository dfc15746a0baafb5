import { healthContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { TargetReport } from '@downbeat/resilience';
import { CallTelling } from './call-telling';
import { FakeNats } from './testing/fake-link';

const accepted = { accepted: true, position: 1, answer: {}, repeated: false };

let nats: FakeNats;
let told: { id: string; ok: number; failed: number }[];
let lost: number[];
let telling: CallTelling;
beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 2, 1, 9) });
  nats = new FakeNats();
  nats.answer = () => accepted;
  told = [];
  lost = [];
  telling = new CallTelling(
    {
      now: () => performance.now(),
      tell: () => [{ endpoints: told.splice(0) } as unknown as TargetReport],
      onLost: (reports) => lost.push(reports),
      onDefect: (defect) => {
        throw defect;
      },
    },
    'till-1:ab',
    'till',
    nats.link(),
  );
  telling.start();
});
afterEach(async () => {
  await telling.stop();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const reports = () =>
  nats.asked.map(({ body }) => {
    const valid = validate(healthContract.reportCalls.data, body);
    if (valid instanceof Rejection) throw new Error(JSON.stringify(valid.errors));
    return valid.value;
  });

describe('what is told of calls', () => {
  it('is how they ended at each instance where some failed, within half a second', async () => {
    told.push({ id: 'stock-1', ok: 1, failed: 2 }, { id: 'stock-2', ok: 9, failed: 0 });
    told.push({ id: 'stock-1', ok: 3, failed: 1 });
    telling.failed('stock-1', Object.assign(new Error('busy'), { status: 503 }));
    await pass(500);
    expect(reports()).toMatchObject([
      {
        reporter: 'till-1:ab',
        window_ms: 500,
        instances: [{ instance_id: 'stock-1', ok: 4, failed: 3, last_failure: 'HTTP 503' }],
      },
    ]);
  });

  it('is nothing while all goes well, and nothing of an address of a whole service', async () => {
    told.push({ id: 'stock-1', ok: 5, failed: 0 }, { id: 'service:mail', ok: 0, failed: 3 });
    await pass(5_000);
    expect(nats.asked).toEqual([]);
  });

  it('is one line of what the last failure said', async () => {
    told.push({ id: 'stock-1', ok: 0, failed: 1 });
    telling.failed('stock-1', new Error('first'));
    telling.failed('stock-1', new Error(`connect\n  ECONNREFUSED ${'x'.repeat(400)}`));
    await pass(500);
    const [instance] = reports()[0]?.instances ?? [];
    expect(instance?.last_failure).toMatch(/^connect ECONNREFUSED x+$/);
    expect(instance?.last_failure).toHaveLength(200);
  });

  it('is no half of a pair where it was cut', async () => {
    told.push({ id: 'stock-1', ok: 0, failed: 1 });
    telling.failed('stock-1', new Error(`${'x'.repeat(199)}\u{1F4A5} and more`));
    await pass(500);
    expect(reports()[0]?.instances[0]?.last_failure).toBe('x'.repeat(199));
  });

  it('is of no more instances than a report holds: of those with most failures', async () => {
    for (let one = 0; one < 300; one++) told.push({ id: `stock-${one}`, ok: 0, failed: one });
    await pass(500);
    const { instances } = reports()[0] ?? { instances: [] };
    expect(instances).toHaveLength(200);
    expect(instances[0]?.failed).toBe(299);
  });

  it('waits for NATS for ten seconds, the oldest goes first, and how many went is told', async () => {
    nats.isAway = true;
    for (let one = 0; one < 60; one++) {
      told.push({ id: 'stock-1', ok: 0, failed: 1 });
      await pass(500);
    }
    nats.isAway = false;
    await pass(500);
    const heard = reports();
    expect(heard.length + (lost[0] ?? 0)).toBe(60);
    expect(heard.length).toBeGreaterThanOrEqual(18);
    expect(heard.length).toBeLessThanOrEqual(20);
    const times = heard.map(({ reported_at }) => reported_at);
    expect([...new Set(times)].sort()).toEqual(times);
  });

  it('is sent under the same id again when nobody answered', async () => {
    nats.answer = () => undefined;
    told.push({ id: 'stock-1', ok: 0, failed: 1 });
    await pass(1_000);
    nats.answer = () => accepted;
    await pass(3_000);
    const ids = nats.asked.map(({ headers }) => headers['Downbeat-Message-Id']);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
  });
});
