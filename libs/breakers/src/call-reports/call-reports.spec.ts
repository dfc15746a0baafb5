import { observabilityContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { CallFiguresOf, callsOf, endOfStatus, type EndedCall } from './call-figures';
import { CallReporter } from './call-reporter';
import { routeTemplate, subjectTemplate } from './route-template';
import type { ReportOutcome } from '../breaker-reporter';

const { CALL_FIGURES_MAX, OTHER, recordCalls } = observabilityContract;

const call = (more: Partial<EndedCall> = {}): EndedCall => ({
  ...{ target: 'billing', protocol: 'http', method: 'POST', endpoint: '/invoices' },
  ...{ end: 'ok', durationMs: 4, endedAtMs: Date.UTC(2026, 2, 1, 9, 30, 20) },
  ...more,
});

describe('a route', () => {
  it.each([
    ['/invoices/42?full=1', '/invoices/{id}'],
    ['/v1/invoices/7b1f9f0e-93e6-4f4e-a5d9-6e4a4a6c9f10/lines', '/v1/invoices/{id}/lines'],
    ['/operations/reserve-seat', '/operations/reserve-seat'],
    ['/users/kim@example.org', '/users/{id}'],
    ['/orders/order-4711', '/orders/{id}'],
    ['/blobs/deadbeef01', '/blobs/{id}'],
    ['/tokens/Zm9vYmFyYmF6cXV4MTIz', '/tokens/{id}'],
    ['', '/'],
    ['/a b', '/a_b'],
    [`${'/x'.repeat(20)}`, `${'/x'.repeat(11)}/…`],
  ])('%s is shown as %s', (path, template) => expect(routeTemplate(path)).toBe(template));

  it('of NATS has no ids either', () =>
    expect(subjectTemplate('service.billing.4711.charge')).toBe('service.billing.{id}.charge'));

  it('is never what a report could not say, whatever was called', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (path) => {
        const figures = new CallFiguresOf('shop');
        figures.count(call({ endpoint: routeTemplate(path) }));
        const said = validate(recordCalls.data, { report_id: 'r', ...figures.take() });
        expect(said instanceof Rejection ? said.message : undefined).toBeUndefined();
      }),
    ));
});

describe('figures of calls', () => {
  it('are by minute and endpoint', () => {
    const figures = new CallFiguresOf('shop');
    for (const status of [200, 404, 503]) figures.count(call({ end: endOfStatus(status) }));
    figures.count(call({ end: 'unanswered', endedAtMs: Date.UTC(2026, 2, 1, 9, 31) }));
    const { calls } = figures.take();
    expect(calls).toMatchObject([
      {
        ...{ source_service: 'shop', target_service: 'billing', ok: 1, client_errors: 1 },
        ...{ server_errors: 1, unanswered: 0, duration_us: 12_000, durations: { 47: 3 } },
        minute: '2026-03-01T09:30:00.000Z',
      },
      { unanswered: 1, minute: '2026-03-01T09:31:00.000Z' },
    ]);
    expect(figures.isEmpty).toBe(true);
  });

  it('are bounded, and every call is counted, whatever is called', () => {
    const figures = new CallFiguresOf('shop');
    for (let number = 0; number < 3_000; number++)
      figures.count(call({ target: `t-${number % 700}`, endpoint: `/made-up/${number}` }));
    const report = figures.take();
    expect(report.calls).toHaveLength(CALL_FIGURES_MAX - 20 + 1);
    expect(callsOf(report)).toBe(3_000);
    expect(report.lost_calls).toBeUndefined();
    const others = report.calls.filter(({ target_service }) => target_service === OTHER);
    expect(others).toMatchObject([{ endpoint: OTHER, method: '*' }]);
    expect(validate(recordCalls.data, { report_id: 'r', ...report })).not.toBeInstanceOf(Rejection);
  });

  it('of more minutes than there is room for are counted as lost', () => {
    const figures = new CallFiguresOf('shop');
    for (let minute = 0; minute < 1_000; minute++)
      figures.count(call({ endedAtMs: minute * 60_000 }));
    const report = figures.take();
    expect(report.calls).toHaveLength(CALL_FIGURES_MAX);
    expect([report.lost_calls, callsOf(report)]).toEqual([500, 1_000]);
  });
});

describe('reports of calls', () => {
  const begun = () => {
    const sent: { readonly id: string; readonly calls: number }[] = [];
    const world = { now: 0, outcome: 'taken' as ReportOutcome };
    const reporter = new CallReporter('shop', 'shop.1', {
      now: () => world.now,
      calendar: () => world.now,
      send: (report) => {
        sent.push({ id: report.report_id, calls: callsOf(report) });
        return Promise.resolve(world.outcome);
      },
    });
    const turnsUntil = async (ms: number): Promise<void> => {
      for (; world.now <= ms; world.now += 1_000) await reporter.turn();
    };
    return { reporter, sent, world, turnsUntil };
  };

  it('are told every ten seconds, if there is anything to tell', async () => {
    const { reporter, sent, turnsUntil } = begun();
    await turnsUntil(30_000);
    expect(sent).toEqual([]);
    reporter.ended(call());
    reporter.ended(call());
    await turnsUntil(60_000);
    expect(sent).toEqual([{ id: 'shop.1:1', calls: 2 }]);
  });

  it('are told until they are heard, the same under the same id', async () => {
    const { reporter, sent, world, turnsUntil } = begun();
    world.outcome = 'unheard';
    reporter.ended(call());
    await turnsUntil(60_000);
    reporter.ended(call());
    world.outcome = 'taken';
    await turnsUntil(120_000);
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.slice(0, -1).every(({ id, calls }) => id === 'shop.1:1' && calls === 1)).toBe(true);
    expect(sent.at(-1)).toEqual({ id: 'shop.1:2', calls: 1 });
  });

  it('that are refused, or have waited for half a day, are counted in the next one', async () => {
    const { reporter, sent, world, turnsUntil } = begun();
    reporter.ended(call());
    world.outcome = 'refused';
    await turnsUntil(11_000);
    world.outcome = 'unheard';
    await turnsUntil(30_000);
    world.now += 13 * 3_600_000;
    world.outcome = 'taken';
    await turnsUntil(world.now + 30_000);
    expect(sent[0]).toEqual({ id: 'shop.1:1', calls: 1 });
    expect(sent.at(-1)).toEqual({ id: 'shop.1:3', calls: 1 });
  });

  it('are told when their process goes', async () => {
    const { reporter, sent } = begun();
    reporter.ended(call());
    await reporter.leave();
    expect(sent).toEqual([{ id: 'shop.1:1', calls: 1 }]);
  });
});
