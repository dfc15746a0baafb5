import type { Position } from '@downbeat/eventsourcing';
import { CommitHash, GENESIS, type StoredCommit } from './hash-chain';
import { instantFrom, type EventRow } from '../read/stored-event';

const COMMITS_PER_READ = 1_000;
const EVENTS_PER_READ = 1_000;

/** What a verification reads: everything, as it is stored. */
export interface ChainReader {
  /** Commits after `commitNo` by number, at most `limit`. */
  commits(commitNo: number, limit: number): Promise<readonly StoredCommit[]>;
  /** The newest commit. */
  headCommit(): Promise<StoredCommit | undefined>;
  /** Rows after `position` in order, at most `limit`; `data` and `meta` as the text that is stored. */
  rows(position: Position, limit: number): Promise<readonly EventRow[]>;
}

export interface VerifyOptions {
  /** Where to begin; the hash of the commit before it is taken as true. Default 1, the whole log. */
  readonly fromCommit?: number;
  /** A head that was published earlier, outside the database: proves that no end was cut off since. */
  readonly knownHead?: Pick<StoredCommit, 'commit_no' | 'hash'>;
}

export interface ChainReport {
  readonly isIntact: boolean;
  /** How many were checked and found right. */
  readonly commits: number;
  readonly events: number;
  /** Hash of the last commit that was found right. */
  readonly head: string;
  readonly firstBrokenCommit?: number;
  /** What is wrong with it, in one sentence. */
  readonly detail?: string;
}

/**
 * Computes the hash chain again, from what is stored, up to the commit that is newest now, and
 * reports the first commit that is not what it was. Holds 1,000 events in memory at most.
 *
 * @see Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics" (1999).
 */
export async function verifyChain(
  reader: ChainReader,
  options: VerifyOptions = {},
): Promise<ChainReport> {
  const verification = new Verification(reader, options);
  try {
    await verification.run();
    return verification.report();
  } catch (broken) {
    if (!(broken instanceof BrokenCommit)) throw broken;
    return verification.report(broken);
  }
}

class BrokenCommit extends Error {
  constructor(
    readonly commitNo: number,
    detail: string,
  ) {
    super(detail);
  }
}

class Verification {
  #commits = 0;
  #events = 0;
  #previous: Pick<StoredCommit, 'commit_no' | 'last' | 'hash' | 'recorded_at'> = {
    commit_no: 0,
    last: 0,
    hash: GENESIS,
    recorded_at: '' as StoredCommit['recorded_at'],
  };
  #rows: readonly EventRow[] = [];
  #nextRow = 0;

  constructor(
    private readonly reader: ChainReader,
    private readonly options: VerifyOptions,
  ) {}

  report(broken?: BrokenCommit): ChainReport {
    return {
      isIntact: broken === undefined,
      commits: this.#commits,
      events: this.#events,
      head: this.#previous.hash,
      ...(broken && { firstBrokenCommit: broken.commitNo, detail: broken.message }),
    };
  }

  async run(): Promise<void> {
    const end = (await this.reader.headCommit())?.commit_no ?? 0;
    await this.#begin(this.options.fromCommit ?? 1);
    while (this.#previous.commit_no < end) {
      const commits = await this.reader.commits(this.#previous.commit_no, COMMITS_PER_READ);
      if (commits.length === 0)
        throw new BrokenCommit(this.#previous.commit_no + 1, 'the commit is missing');
      for (const commit of commits) if (commit.commit_no <= end) await this.#check(commit);
    }
    await this.#checkEnd();
  }

  async #begin(fromCommit: number): Promise<void> {
    if (fromCommit <= 1) return;
    const [before] = await this.reader.commits(fromCommit - 2, 1);
    if (before?.commit_no !== fromCommit - 1)
      throw new BrokenCommit(fromCommit - 1, 'the commit to begin after is missing');
    this.#previous = before;
  }

  async #check(commit: StoredCommit): Promise<void> {
    const { commit_no: no, hash: previousHash, last, recorded_at } = this.#previous;
    if (commit.commit_no !== no + 1) throw new BrokenCommit(no + 1, 'the commit is missing');
    const broken = (detail: string) => new BrokenCommit(commit.commit_no, detail);
    if (commit.first !== last + 1)
      throw broken(`it begins at position ${commit.first}, the one before ended at ${last}`);
    if (commit.last < commit.first) throw broken('it has no events');
    if (commit.recorded_at < recorded_at) throw broken('it is older than the commit before it');

    const hash = new CommitHash(previousHash, commit);
    for (let position = commit.first; position <= commit.last; position++) {
      const row = await this.#row(position);
      if (row?.position !== position) throw broken(`the event at position ${position} is missing`);
      if (row.commit_no !== commit.commit_no || instantFrom(row.recorded_at) !== commit.recorded_at)
        throw broken(`the event at position ${position} says it is of another commit`);
      hash.add(row);
    }
    if (hash.digest() !== commit.hash)
      throw broken('what is stored does not give the hash that was stored with it');

    const { knownHead } = this.options;
    if (knownHead?.commit_no === commit.commit_no && knownHead.hash !== commit.hash)
      throw broken('its hash is not the one that was published');
    this.#commits++;
    this.#events += commit.last - commit.first + 1;
    this.#previous = commit;
  }

  /** The row at `position`, or the next one after it. */
  async #row(position: Position): Promise<EventRow | undefined> {
    if (this.#nextRow === this.#rows.length) {
      this.#rows = await this.reader.rows(position - 1, EVENTS_PER_READ);
      this.#nextRow = 0;
    }
    return this.#rows[this.#nextRow++];
  }

  /** Behind the last commit there may be events of commits made meanwhile, and no others. */
  async #checkEnd(): Promise<void> {
    const { commit_no: no, last } = this.#previous;
    const [next] = await this.reader.rows(last, 1);
    if (next) {
      const [commit] = await this.reader.commits(no, 1);
      if (commit?.commit_no !== next.commit_no || commit.first !== next.position)
        throw new BrokenCommit(no + 1, `the event at position ${next.position} is in no commit`);
    }
    const { knownHead } = this.options;
    if (knownHead && knownHead.commit_no > no)
      throw new BrokenCommit(
        no + 1,
        `the log ends before the published commit ${knownHead.commit_no}`,
      );
  }
}
