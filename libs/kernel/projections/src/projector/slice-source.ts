import type { LogSlice } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import type { ProjectorOptions } from './projector-options';

/** Where a projector gets the next stretch of the log: shared near its end, read ahead far from it. */
export class SliceSource {
  private ahead: { readonly after: Position; readonly slice: Promise<LogSlice> } | undefined;

  constructor(private readonly options: Pick<ProjectorOptions, 'head' | 'reader' | 'pace'>) {}

  async next(after: Position, isBuilding: boolean): Promise<LogSlice> {
    const { reader, head, pace } = this.options;
    const isNear = !isBuilding && head.position - after < pace.batchMax;
    if (isNear) return reader.readShared(after, pace.batchMax);

    const limit = isBuilding ? pace.rebuildBatchMax : pace.batchMax;
    const ready = this.ahead?.after === after ? this.ahead.slice : undefined;
    this.ahead = undefined;
    const slice = await (ready ?? reader.read(after, limit));
    if (slice.through < head.position) this.readAhead(slice.through, limit);
    return slice;
  }

  forget(): void {
    this.ahead = undefined;
  }

  /** The next slice is read while this one is written. */
  private readAhead(after: Position, limit: number): void {
    const slice = this.options.reader.read(after, limit);
    // Whoever asks for it meets the fault; nobody may.
    slice.catch(() => undefined);
    this.ahead = { after, slice };
  }
}
