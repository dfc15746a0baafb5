import type { Instant } from '@downbeat/eventsourcing';
import { CommitHash, GENESIS, type StoredCommit } from './hash-chain';
import type { EventRow } from '../read/stored-event';
import { verifyChain, type ChainReader } from './verify-chain';

/** A log in memory whose hashes are right, whatever else is wrong with it. */
class ForgedLog implements ChainReader {
  readonly #commits: StoredCommit[] = [];
  readonly #rows: EventRow[] = [];
  /** The most rows that were asked for at once. */
  rowsAskedMax = 0;

  commit(events: number, seconds: number, more: Partial<StoredCommit> = {}): void {
    const previous = this.#commits.at(-1);
    const time = `00:00:${String(seconds).padStart(2, '0')}`;
    const commit: StoredCommit = {
      commit_no: (previous?.commit_no ?? 0) + 1,
      first: (previous?.last ?? 0) + 1,
      last: (previous?.last ?? 0) + events,
      recorded_at: `2026-01-01T${time}.000Z` as Instant,
      hash: '',
      ...more,
    };
    const hash = new CommitHash(previous?.hash ?? GENESIS, commit);
    for (let position = commit.first; position <= commit.last; position++) {
      const row: EventRow = {
        position,
        commit_no: commit.commit_no,
        recorded_at: `2026-01-01 ${time}+00`,
        event_id: '0190a5f0-5b3c-7cc0-9c3e-2f1f4b7d9a01',
        version: position,
        schema_version: 1,
        context: 'registry',
        stream: 's',
        type: 'T',
        data: '{}',
        meta: '{}',
      };
      hash.add(row);
      this.#rows.push(row);
    }
    this.#commits.push({ ...commit, hash: hash.digest() });
  }

  async commits(commitNo: number, limit: number) {
    return this.#commits.filter(({ commit_no }) => commit_no > commitNo).slice(0, limit);
  }
  async headCommit() {
    return this.#commits.at(-1);
  }
  async rows(position: number, limit: number) {
    this.rowsAskedMax = Math.max(this.rowsAskedMax, limit);
    return this.#rows.filter((row) => row.position > position).slice(0, limit);
  }
}

describe('verifying a chain of hashes', () => {
  it('finds an empty log intact', async () => {
    expect(await verifyChain(new ForgedLog())).toEqual({
      isIntact: true,
      commits: 0,
      events: 0,
      head: GENESIS,
    });
  });

  it('reads commits of any size in bounded pieces', async () => {
    const log = new ForgedLog();
    for (const [n, events] of [1, 2_500, 1, 999, 1].entries()) log.commit(events, n);
    for (let n = 0; n < 2_100; n++) log.commit(1, 10);
    expect(await verifyChain(log)).toMatchObject({ isIntact: true, commits: 2_105, events: 5_602 });
    expect(log.rowsAskedMax).toBe(1_000);
  });

  it('leaves commits out that were made after it began', async () => {
    const log = new ForgedLog();
    log.commit(3, 1);
    const { headCommit } = log;
    log.headCommit = async () => {
      const head = await headCommit.call(log);
      log.commit(2, 2);
      return head;
    };
    expect(await verifyChain(log)).toMatchObject({ isIntact: true, commits: 1, events: 3 });
  });

  it.each<[string, Partial<StoredCommit>, number]>([
    ['goes back in time', {}, 1],
    ['leaves positions out', { first: 5, last: 6 }, 9],
    ['takes positions twice', { first: 3, last: 4 }, 9],
    ['leaves a number out', { commit_no: 3 }, 9],
    ['ends before it begins', { last: 3 }, 9],
  ])('finds a commit with the right hash that %s', async (_, more, seconds) => {
    const log = new ForgedLog();
    log.commit(3, 5);
    log.commit(2, seconds, more);
    expect(await verifyChain(log)).toMatchObject({
      isIntact: false,
      firstBrokenCommit: 2,
      commits: 1,
    });
  });

  it('begins where it is told, if what comes before is there', async () => {
    const log = new ForgedLog();
    log.commit(3, 1);
    log.commit(2, 2);
    expect(await verifyChain(log, { fromCommit: 2 })).toMatchObject({ isIntact: true, events: 2 });
    expect(await verifyChain(log, { fromCommit: 3 })).toMatchObject({ isIntact: true, events: 0 });
    expect(await verifyChain(log, { fromCommit: 4 })).toMatchObject({ isIntact: false });
  });
});
