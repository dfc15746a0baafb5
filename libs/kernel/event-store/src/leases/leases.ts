import type { StreamName } from '@downbeat/eventsourcing';

/** A stream this process now holds, and the epoch its appends must carry. */
export interface HeldStream {
  readonly stream: StreamName;
  readonly epoch: number;
}

/**
 * Who holds which stream. An owner is one life of one process; it stays alive by renewing. All
 * times are the database's, so clocks of the machines do not matter.
 */
export abstract class Leases {
  /**
   * Says that `owner` is alive for another `ttlMs`.
   *
   * @returns False when the lease had run out and another owner has begun to take its streams over.
   */
  abstract renew(owner: string, ttlMs: number): Promise<boolean>;

  /**
   * Takes at most `limit` streams over whose owner's lease has run out, oldest first; each gets a
   * higher epoch, so that the old owner's appends are refused from then on.
   */
  abstract takeOver(owner: string, limit: number): Promise<readonly HeldStream[]>;

  /** Gives everything up at once (an ordered shutdown), so that nobody has to wait for the lease to end. */
  abstract resign(owner: string): Promise<void>;

  /** Who holds `stream`, dead or alive; undefined when nobody does. */
  abstract holder(stream: StreamName): Promise<string | undefined>;

  /** Everything `owner` holds. */
  abstract held(owner: string): Promise<readonly HeldStream[]>;
}
