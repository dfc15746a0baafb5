import type { StoredCommit } from '@downbeat/event-store';
import type { Instant } from '@downbeat/eventsourcing';
import { EvidenceNotRead } from '@downbeat/message-bus';
import type { ChainHead } from './chain-heads';
import { compareHeads } from './compare-heads';

const recorded_at = '2026-03-01T09:30:00.000Z' as Instant;
const hashOf = (text: string): string => text.padStart(64, '0');
const commit = (commit_no: number, hash = hashOf(`${commit_no}`)): StoredCommit => ({
  commit_no,
  first: commit_no,
  last: commit_no,
  recorded_at,
  hash,
});
const head = (commit_no: number, hash = hashOf(`${commit_no}`)): ChainHead => ({
  log: 'log',
  commit_no,
  position: commit_no,
  hash,
  recorded_at,
});
const logOf = (...commits: readonly StoredCommit[]) => ({
  commitsNumbered: async (numbers: readonly number[]) =>
    commits.filter(({ commit_no }) => numbers.includes(commit_no)),
});
type Page = readonly (ChainHead | undefined)[];
const held = (...pages: readonly (Page | Error)[]) => ({
  async *held() {
    for (const page of pages) {
      if (page instanceof Error) throw page;
      yield page;
    }
  },
});
const log = logOf(commit(1), commit(2), commit(3), commit(4));
const outOfReach = new EvidenceNotRead('evidence.audit.ChainHead.log');

describe('the heads that are held, beside the log', () => {
  it('agree', async () =>
    expect(await compareHeads(log, held([head(1), head(2)], [head(4)]))).toEqual({
      outcome: 'agree',
      heads_held: 3,
      heads_checked: 3,
      oldest_commit: 1,
      newest_commit: 4,
      detail: 'the log has every head that is held, up to commit 4',
    }));

  it('say nothing when there are none, which is no agreement', async () =>
    expect(await compareHeads(log, held())).toEqual({
      outcome: 'none_held',
      heads_held: 0,
      heads_checked: 0,
      detail: expect.stringMatching(/^no head is held/) as string,
    }));

  it('name the first commit that differs, in whatever order they were published', async () => {
    const rewritten = [head(4, hashOf('f4')), head(3, hashOf('f3')), head(1)];
    expect(await compareHeads(log, held([head(2)], rewritten))).toMatchObject({
      outcome: 'differ',
      heads_checked: 4,
      first_difference: {
        commit_no: 3,
        position: 3,
        recorded_at,
        published_hash: hashOf('f3'),
        stored_hash: hashOf('3'),
      },
      detail: 'commit 3 was published and has another hash now',
    });
  });

  it('find a log that was cut off', async () => {
    const report = await compareHeads(log, held([head(4), head(6), head(5)]));
    expect(report).toMatchObject({ outcome: 'differ', first_difference: { commit_no: 5 } });
    expect(report.first_difference).not.toHaveProperty('stored_hash');
    expect(report.detail).toMatch(/gone from the log/);
  });

  it('find it when a commit was published with two hashes, one of them the stored one', async () =>
    expect(await compareHeads(log, held([head(2, hashOf('f2')), head(2)]))).toMatchObject({
      outcome: 'differ',
      first_difference: { commit_no: 2, published_hash: hashOf('f2') },
    }));

  it('are counted apart from what is no head', async () => {
    expect(await compareHeads(log, held([head(1), undefined]))).toMatchObject({
      outcome: 'agree',
      heads_held: 2,
      heads_checked: 1,
      detail: expect.stringMatching(/1 messages beside them are no heads$/) as string,
    });
    expect(await compareHeads(log, held([undefined]))).toMatchObject({
      outcome: 'none_held',
      heads_held: 1,
      heads_checked: 0,
    });
  });

  it('are not said to agree when some are out of reach', async () =>
    expect(await compareHeads(log, held([head(1)], outOfReach))).toMatchObject({
      outcome: 'not_read',
      heads_checked: 1,
    }));

  it('differ all the same when one was seen to before the rest was out of reach', async () =>
    expect(await compareHeads(log, held([head(9)], outOfReach))).toMatchObject({
      outcome: 'differ',
      first_difference: { commit_no: 9 },
    }));

  it('are no excuse for another fault', async () =>
    expect(compareHeads(log, held(new Error('a bug')))).rejects.toThrow('a bug'));
});
