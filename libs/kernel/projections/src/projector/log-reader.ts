import type { EventStore, LogSlice } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import { ProjectionInvariantBroken } from '../errors';

const SLICES_KEPT_MAX = 4;

/**
 * Reads the log for all projectors of a process. Those that have reached the same position share
 * one read: the tail of the log is fetched once, not once per projection.
 */
export class LogReader {
  private readonly kept = new Map<string, Promise<LogSlice>>();

  constructor(private readonly store: EventStore) {}

  /** For following the tail. A slice may be older than the log is now; it never lies. */
  readShared(after: Position, limit: number): Promise<LogSlice> {
    const key = `${after}:${limit}`;
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const slice = this.read(after, limit);
    this.kept.set(key, slice);
    const [oldest] = this.kept.keys();
    if (this.kept.size > SLICES_KEPT_MAX && oldest !== undefined) this.kept.delete(oldest);
    const forget = (): void => {
      if (this.kept.get(key) === slice) this.kept.delete(key);
    };
    slice.then(({ through }) => {
      if (through === after) forget();
    }, forget);
    return slice;
  }

  /** @throws {ProjectionInvariantBroken} The slice is not a stretch of one log in order. */
  async read(after: Position, limit: number): Promise<LogSlice> {
    const slice = await this.store.read(after, limit);
    let last = after;
    for (const { position } of slice.events) {
      if (position <= last || position > slice.through)
        throw new ProjectionInvariantBroken(`position ${position} came after ${last}`);
      last = position;
    }
    if (slice.through < after || slice.through > after + limit)
      throw new ProjectionInvariantBroken(
        `a slice after ${after} of at most ${limit} positions reaches ${slice.through}`,
      );
    return slice;
  }
}
