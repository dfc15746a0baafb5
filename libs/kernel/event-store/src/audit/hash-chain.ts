import { createHash, type Hash } from 'node:crypto';
import type { Instant, Position } from '@downbeat/eventsourcing';
import { instantFrom, type EventRow } from '../read/stored-event';

/** A commit as it stands in the log. */
export interface StoredCommit {
  readonly commit_no: number;
  readonly first: Position;
  readonly last: Position;
  readonly recorded_at: Instant;
  /** sha256, 64 lower-case hexadecimal digits. */
  readonly hash: string;
}

/** What the first commit is chained to. */
export const GENESIS = '0'.repeat(64);

/**
 * The hash of one commit, fed event by event, so that memory does not grow with the commit. The
 * same bytes as in `sql/0002_append_many.sql`, put together independently of it.
 */
export class CommitHash {
  readonly #hash: Hash;

  constructor(previousHash: string, commit: StoredCommit) {
    const { commit_no, first, last, recorded_at } = commit;
    this.#hash = createHash('sha256')
      .update(Buffer.from(previousHash, 'hex'))
      .update(`commit ${commit_no} ${first} ${last} ${recorded_at}\n`);
  }

  add(event: EventRow): void {
    const texts = [event.context, event.stream, event.type, event.data, event.meta];
    const head = [
      event.position,
      event.event_id,
      event.version,
      event.schema_version,
      instantFrom(event.recorded_at),
      ...texts.map((text) => Buffer.byteLength(text)),
    ];
    this.#hash.update(`${head.join(' ')}\n${texts.join('')}`);
  }

  /** Ends it: call once. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
