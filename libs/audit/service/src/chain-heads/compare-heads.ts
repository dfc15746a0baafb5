import type { auditContract, AnswerOf } from '@downbeat/contracts';
import type { AuditLog } from '@downbeat/event-store';
import { EvidenceNotRead } from '@downbeat/message-bus';
import type { ChainHead, ChainHeads } from './chain-heads';

export type HeadsReport = AnswerOf<typeof auditContract.verify>['published_heads'];
type Difference = NonNullable<HeadsReport['first_difference']>;

/**
 * Compares the commits of the log with every head that is still held outside the database. Whoever
 * rewrites the log and all hashes after it has a chain that verifies, and other hashes than these.
 * Holds 1,000 heads in memory at most.
 */
export async function compareHeads(
  log: Pick<AuditLog, 'commitsNumbered'>,
  heads: Pick<ChainHeads, 'held'>,
): Promise<HeadsReport> {
  const comparison = new Comparison();
  try {
    for await (const page of heads.held()) {
      const readable = page.filter((head) => head !== undefined);
      comparison.foreign += page.length - readable.length;
      const commits = await log.commitsNumbered(readable.map(({ commit_no }) => commit_no));
      const hashes = new Map(commits.map(({ commit_no, hash }) => [commit_no, hash]));
      for (const head of readable) comparison.add(head, hashes.get(head.commit_no));
    }
    return comparison.report();
  } catch (fault) {
    if (!(fault instanceof EvidenceNotRead)) throw fault;
    return comparison.report(fault);
  }
}

class Comparison {
  /** Messages that somebody put there which are no heads. */
  foreign = 0;
  #checked = 0;
  #oldest: number | undefined;
  #newest: number | undefined;
  #difference: Difference | undefined;

  add({ commit_no, position, recorded_at, hash }: ChainHead, storedHash: string | undefined): void {
    this.#checked++;
    this.#oldest = Math.min(this.#oldest ?? commit_no, commit_no);
    this.#newest = Math.max(this.#newest ?? commit_no, commit_no);
    if (storedHash === hash || (this.#difference?.commit_no ?? Infinity) <= commit_no) return;
    this.#difference = {
      commit_no,
      position,
      recorded_at,
      published_hash: hash,
      ...(storedHash === undefined ? {} : { stored_hash: storedHash }),
    };
  }

  report(fault?: EvidenceNotRead): HeadsReport {
    return {
      ...this.#verdict(fault),
      heads_held: this.#checked + this.foreign,
      heads_checked: this.#checked,
      ...(this.#oldest === undefined ? {} : { oldest_commit: this.#oldest }),
      ...(this.#newest === undefined ? {} : { newest_commit: this.#newest }),
      ...(this.#difference ? { first_difference: this.#difference } : {}),
    };
  }

  /** One difference is proof, whatever could not be read. */
  #verdict(fault: EvidenceNotRead | undefined): Pick<HeadsReport, 'outcome' | 'detail'> {
    const foreign = this.foreign === 0 ? '' : `; ${this.foreign} messages beside them are no heads`;
    if (this.#difference) {
      const { commit_no, stored_hash } = this.#difference;
      const what = stored_hash === undefined ? 'is gone from the log' : 'has another hash now';
      return {
        outcome: 'differ',
        detail: `commit ${commit_no} was published and ${what}${foreign}`,
      };
    }
    if (fault)
      return { outcome: 'not_read', detail: `the heads could not all be read: ${fault.message}` };
    if (this.#checked === 0)
      return {
        outcome: 'none_held',
        detail: `no head is held outside the database: nothing there speaks for or against the log${foreign}`,
      };
    return {
      outcome: 'agree',
      detail: `the log has every head that is held, up to commit ${this.#newest}${foreign}`,
    };
  }
}
