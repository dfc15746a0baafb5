import type { Instant } from '@downbeat/eventsourcing';
import type { BreakerTransitioned, BreakersCounted } from './breaker-reports';
import type { Holders } from './holders';
import { lastDayOf } from './last-day';
import { hourOf, slotOf, withCalls, withTransition, type RecordedHour } from './recorded-hours';

const START = Date.UTC(2026, 2, 1, 9, 0);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const instant = (ms: number): Instant => new Date(START + ms).toISOString() as Instant;
const MINUTE = 60_000;
const id = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';

/** The ring, as the read model keeps it. */
class Ring {
  readonly rows = new Map<string, RecordedHour>();

  calls(fromMs: number, calls: number, failures: number, seconds = 60): this {
    const interval = { from: instant(fromMs), seconds, calls, failures, slow: 0, refused: 1 };
    const breakers = [
      { breaker_id: id, calls: [{ ...interval, failures_in_a_row: failures }] },
    ] as unknown as BreakersCounted['data']['breakers'];
    const slot = slotOf(id, hourOf(instant(fromMs)));
    const row = withCalls(this.rows.get(slot), breakers, slot);
    if (row) this.rows.set(slot, row);
    return this;
  }

  change(ms: number, from: string, to: string, holder = 'a'): this {
    const data = {
      at: instant(ms),
      from,
      to,
      mode: 'automatic',
      cause: { kind: 'waited' },
      holder,
    };
    const slot = slotOf(id, hourOf(instant(ms)));
    const row = withTransition(this.rows.get(slot), {
      data: data as unknown as BreakerTransitioned['data'],
    });
    if (row) this.rows.set(slot, row);
    return this;
  }

  day(ms: number, holders: Holders = {}) {
    return lastDayOf([...this.rows.values()], holders, START + ms);
  }
}

describe('the last day of a breaker', () => {
  it('adds up calls, whoever made them', () => {
    const day = new Ring().calls(0, 10, 2).calls(0, 5, 1).calls(MINUTE, 1, 1).day(HOUR);
    expect(day).toMatchObject({ calls: 16, failures: 4, refused: 3 });
    expect(day.byHour[9]).toEqual({ calls: 16, failures: 4 });
    expect(day.byHour).toHaveLength(24);
  });

  it('ends with the moment that is asked for, and is 24 hours long', () => {
    const ring = new Ring().calls(0, 10, 2).calls(2 * HOUR, 20, 0);
    expect(ring.day(HOUR).calls).toBe(10);
    expect(ring.day(2 * HOUR).calls).toBe(30);
    expect(ring.day(DAY + MINUTE).calls).toBe(20);
    expect(ring.day(2 * DAY + 3 * HOUR).calls).toBe(0);
  });

  it('measures outages from the first that opened until the last has closed', () => {
    const ring = new Ring()
      .change(0, 'closed', 'open', 'a')
      .change(2 * MINUTE, 'closed', 'open', 'b')
      .change(4 * MINUTE, 'open', 'half_open', 'a')
      .change(5 * MINUTE, 'half_open', 'closed', 'a')
      .change(6 * MINUTE, 'open', 'half_open', 'b')
      .change(8 * MINUTE, 'half_open', 'closed', 'b')
      .change(HOUR, 'closed', 'open', 'a')
      .change(HOUR + 2 * MINUTE, 'open', 'closed', 'a');
    expect(ring.day(2 * HOUR)).toMatchObject({ stateChanges: 8, averageOutageMinutes: 5 });
    expect(ring.day(2 * HOUR).history.map(({ holder }) => holder)).toEqual([...'abaabbaa']);
  });

  it('lets an outage that lasts count until now, unless its holder is gone', () => {
    const ring = new Ring().change(0, 'closed', 'open');
    const holder = (reportedMs: number) =>
      ({
        a: { state: 'open', mode: 'automatic', reported_at: instant(reportedMs) },
      }) as unknown as Holders;
    expect(ring.day(30 * MINUTE, holder(29 * MINUTE)).averageOutageMinutes).toBe(30);
    expect(ring.day(30 * MINUTE, holder(10 * MINUTE)).averageOutageMinutes).toBe(10);
    expect(ring.day(30 * MINUTE).averageOutageMinutes).toBe(0);
  });

  it('uses a place of the ring again after eight days, and takes nothing older for it', () => {
    const ring = new Ring().calls(0, 10, 0).calls(8 * DAY, 3, 0);
    expect(ring.rows.size).toBe(1);
    expect(ring.day(8 * DAY + MINUTE).calls).toBe(3);
    ring.calls(0, 99, 0).change(MINUTE, 'closed', 'open');
    expect(ring.day(8 * DAY + MINUTE)).toMatchObject({ calls: 3, stateChanges: 0 });
  });
});
