import type { Instant } from '@downbeat/eventsourcing';
import { momentsAfter, whyNoTimetable } from './cron';

const at = (text: string) => `${text}.000Z` as Instant;
const moments = (cron: string, time_zone: string, after: string, max = 3) =>
  momentsAfter({ cron, time_zone }, at(after), max).map((moment) => moment.slice(0, 16));

describe('a timetable', () => {
  it('names the moments after one, by the clocks of its time zone', () => {
    expect(moments('30 2 * * *', 'UTC', '2026-03-01T02:30:00')).toEqual([
      '2026-03-02T02:30',
      '2026-03-03T02:30',
      '2026-03-04T02:30',
    ]);
    expect(moments('30 2 * * *', 'Asia/Kolkata', '2026-03-01T00:00:00', 1)).toEqual([
      '2026-03-01T21:00',
    ]);
  });

  it('makes up for an hour that the change of clocks skips, and counts one that comes twice once', () => {
    expect(moments('30 2 * * *', 'Europe/Berlin', '2026-03-28T02:00:00')).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
      '2026-03-31T00:30',
    ]);
    expect(moments('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00')).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
      '2026-10-27T01:30',
    ]);
  });

  it('may count seconds, and ends at a given moment', () => {
    const until = at('2026-03-01T00:00:20');
    const found = momentsAfter(
      { cron: '*/10 * * * * *', time_zone: 'UTC' },
      at('2026-03-01T00:00:00'),
      9,
      until,
    );
    expect(found).toEqual([at('2026-03-01T00:00:10'), until]);
  });

  it.each([
    ['* * * *', 'UTC', 'cron', /five fields/],
    ['@daily', 'UTC', 'cron', /five fields/],
    ['2026-12-24T00:00:00', 'UTC', 'cron', /five fields/],
    // The library would take it for one moment, in the words of Date.parse.
    ['Tue Jan 1 2030 00:00', 'UTC', 'cron', /five fields/],
    ['61 * * * *', 'UTC', 'cron', /Invalid value for minute: 61/],
    ['0 0 30 2 *', 'UTC', 'cron', /never comes/],
    ['0 0 * * *', 'Mars/Olympus', 'time_zone', /no time zone/],
  ])('is not %s in %s', (cron, time_zone, field, message) => {
    expect(whyNoTimetable({ cron, time_zone }, at('2026-03-01T00:00:00'))).toEqual({
      field,
      message: expect.stringMatching(message),
    });
  });
});
