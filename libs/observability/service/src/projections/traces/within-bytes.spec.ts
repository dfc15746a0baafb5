import { cursorOf } from '@downbeat/service-host';
import { pageWithin, withinBytes } from './within-bytes';

const placed = (...texts: readonly string[]) =>
  texts.map((shown, at) => ({ place: `${at + 1}`, shown }));
const shownOn = ({ rows }: { rows: readonly { shown: string }[] }) =>
  rows.map(({ shown }) => shown);

describe('what fits into an answer', () => {
  it('is the first so many, or fewer when they are large', () => {
    expect(withinBytes(['a', 'b', 'c'], 2, 100)).toEqual(['a', 'b']);
    expect(withinBytes(['aaa', 'bbb', 'ccc'], 3, 10)).toEqual(['aaa', 'bbb']);
    expect(withinBytes(['ééé'], 3, 7)).toEqual([]);
  });

  it('is a page of so many, or of fewer when they are large, and where the next one begins', () => {
    const whole = pageWithin(placed('a', 'b'), 2, 100);
    expect([shownOn(whole), whole.nextCursor]).toEqual([['a', 'b'], undefined]);
    const cut = pageWithin(placed('a', 'b', 'c'), 2, 100);
    expect([shownOn(cut), cursorOf(cut.nextCursor)]).toEqual([['a', 'b'], '2']);
    const large = pageWithin(placed('aaa', 'bbb', 'ccc'), 3, 10);
    expect([shownOn(large), cursorOf(large.nextCursor)]).toEqual([['aaa', 'bbb'], '2']);
  });

  it('is one at least, however large', () => {
    const page = pageWithin(placed('aaaaaaaaa', 'b'), 3, 5);
    expect([shownOn(page), cursorOf(page.nextCursor)]).toEqual([['aaaaaaaaa'], '1']);
    expect(pageWithin(placed('aaaaaaaaa'), 3, 5).nextCursor).toBeUndefined();
  });
});
