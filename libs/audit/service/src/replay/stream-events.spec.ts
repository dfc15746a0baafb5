import type { AuditLog, EventFilter } from '@downbeat/event-store';
import type { RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import { appendsOf, eventsOf } from './stream-events';

const stream = 'run-1' as StreamName;
/** `[1, 1, 2]`: two events in commit 1, one in commit 2. */
const recorded = (commits: readonly number[]): readonly RecordedEvent[] =>
  commits.map((commit_no, at) => ({ commit_no, position: at + 1 }) as RecordedEvent);

/** A log that gives out pages of `size` events. */
const logOf = (events: readonly RecordedEvent[], size: number) =>
  ({
    list: ({ after_position = 0, until_position = Infinity }: EventFilter) => {
      const rest = events.filter(
        ({ position }) => position > after_position && position <= until_position,
      );
      const more = rest.length > size ? { next_cursor: 'more' } : {};
      return Promise.resolve({ events: rest.slice(0, size), ...more });
    },
  }) as Pick<AuditLog, 'list'> as AuditLog;

const commitsOf = async (commits: readonly number[], size: number, until?: number) => {
  const appends: (readonly number[])[] = [];
  for await (const append of appendsOf(eventsOf(logOf(recorded(commits), size), stream, until)))
    appends.push(append.map(({ commit_no }) => commit_no));
  return appends;
};

describe("a stream's appends", () => {
  it.each([1, 2, 3, 4, 7, 8])('are whole, however pages of %i events cut them', async (size) => {
    const appends = await commitsOf([1, 1, 1, 4, 5, 5, 9], size);
    expect(appends).toEqual([[1, 1, 1], [4], [5, 5], [9]]);
  });

  it('end with the position asked for', async () =>
    expect(await commitsOf([1, 1, 4, 4], 10, 3)).toEqual([[1, 1], [4]]));

  it('are none where nothing is', async () => expect(await commitsOf([], 10)).toEqual([]));
});
