import { AppendRefused } from '../errors';
import { appendOf, freshStream } from '../testing/sample-appends';
import { EVENT_LENGTH_MAX, sealTogether } from './sealed-append';

/** So many appends with an event of so many characters each. */
const appends = (count: number, length: number) => {
  const events = [{ type: 'Said', data: { text: 'x'.repeat(length) } }];
  return Array.from({ length: count }, () => ({ ...appendOf(freshStream(), 0), events }));
};

it('lets appends go together that are as much as two of the largest events, and says what is too much', () => {
  const length = EVENT_LENGTH_MAX - 1_000;
  expect(sealTogether(appends(2, length))).toHaveLength(2);
  expect(() => sealTogether([...appends(2, length), ...appends(1, 3_000)])).toThrow(
    /group has more than 33554432 characters of JSON: append fewer together/,
  );
  expect(() => sealTogether(appends(3, length))).toThrow(AppendRefused);
});
