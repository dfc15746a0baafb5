import type { LogSlice } from '@downbeat/event-store';
import { Fault, instantOf, type Position } from '@downbeat/eventsourcing';
import { Bell } from './bell';
import { commitBatch, type Batch } from './batch';
import { isRefusedRow } from '../database-faults';
import { ProjectionInvariantBroken } from '../errors';
import { prunePast } from '../replay/prune-past';
import { versionedTable } from '../tables/definition';
import { pastTable } from '../tables/past-sql';
import { concerns, reasonOf } from '../rows/fold';
import { dropOldTables, goLive } from '../versions/go-live';
import type { Projection } from '../projection';
import type { ProjectionStatus, ProjectorRole } from './projection-status';
import type { ProjectorOptions } from './projector-options';
import { noteFault, recordsOf, type ProjectionRecord } from './records';
import { RowCache } from '../rows/row-cache';
import { SliceSource } from './slice-source';
import { TableSet } from '../rows/table-set';
import { Waiters } from './waiters';

/** While somebody waits for a position, even a follower looks this often. */
const URGENT_LOOK_MS = 25;
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 10_000;
const WAITING_MAX = 1_000;
/** Of history that is built, so much of the past is kept at most. */
const BUILDING_PAST_MS = 3_600_000;

/** How to go on after a step. `wait` ends with the next hint, `rest` does not. */
type Pause = { readonly kind: 'none' | 'wait' | 'rest'; readonly ms: number };

const atOnce: Pause = { kind: 'none', ms: 0 };

/**
 * Keeps one projection's tables true. Replicas run one each; the row lock of a batch decides whose
 * turn it is, and the one that finds it taken steps back to a slow poll until the owner stops.
 */
export class Projector {
  private readonly bell = new Bell();
  private readonly waiters = new Waiters(WAITING_MAX);
  private role: ProjectorRole = 'starting';
  private isServed = false;
  /** The checkpoint as last seen in the database. */
  private saved: Position = 0;
  private savedAtMs = 0;
  /** Read up to here; nothing between `saved` and here concerns a table. */
  private seen: Position = 0;
  private isStale = true;
  private refreshedAtMs = 0;
  private isFollowing = false;
  private isCareful = false;
  private isStopping = false;
  /** When to look for tables of older versions again; infinite: there are none left. */
  private dropOldAtMs = 0;
  private prunedAtMs = Date.now();
  private parkedStreams = 0;
  private faults = 0;
  private lastFault: unknown;
  private readonly slices: SliceSource;
  private tables: TableSet;
  private loop: Promise<void> | undefined;

  constructor(
    readonly projection: Projection,
    private readonly options: ProjectorOptions,
  ) {
    this.slices = new SliceSource(options);
    this.tables = this.newTables();
  }

  start(): void {
    this.options.head.onAdvanced(() => this.bell.ring('news'));
    this.loop = this.run();
  }

  /** Returns when the batch under way has ended. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.bell.ring('stop');
    await this.loop;
    this.waiters.close();
  }

  status(): ProjectionStatus {
    const { name, version } = this.projection;
    const isFailed = this.lastFault instanceof Fault && this.lastFault.remedy === 'give-up';
    return {
      name,
      version,
      state: isFailed ? 'failed' : this.role,
      is_served: this.isServed,
      position: this.seen,
      lag: Math.max(0, this.options.head.position - this.seen),
      parked_streams: this.parkedStreams,
      ...(this.lastFault !== undefined && { fault: reasonOf(this.lastFault) }),
    };
  }

  /** Until there are tables to ask; false after `timeoutMs`. */
  served(timeoutMs: number): Promise<boolean> {
    return this.until(() => this.isServed, timeoutMs);
  }

  /** Until the tables that are asked hold everything up to `position`; false after `timeoutMs`. */
  reached(position: Position, timeoutMs: number): Promise<boolean> {
    const met = this.until(() => this.role === 'live' && this.saved >= position, timeoutMs);
    this.options.head.seek(position);
    return met;
  }

  /** Looks at the database again: something changed it from outside this loop. */
  refreshSoon(): void {
    this.isStale = true;
    this.bell.ring('urgent');
  }

  private until(isMet: () => boolean, timeoutMs: number): Promise<boolean> {
    const met = this.waiters.until(isMet, timeoutMs);
    if (this.waiters.count > 0) this.bell.ring('urgent');
    return met;
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      try {
        const { kind, ms } = await this.step();
        this.faults = 0;
        this.lastFault = undefined;
        const isUrgent = kind === 'rest' && this.waiters.count > 0;
        if (isUrgent) await this.bell.wait('news', Math.min(ms, URGENT_LOOK_MS));
        else if (kind === 'rest') await this.bell.wait('urgent', ms);
        else if (kind === 'wait') await this.bell.wait('news', ms);
      } catch (fault) {
        await this.recover(fault);
      }
    }
  }

  private async step(): Promise<Pause> {
    const { pace, head } = this.options;
    if (this.isStale || Date.now() >= this.refreshedAtMs + pace.recordPollMs) await this.refresh();
    if (this.role === 'superseded') {
      this.isStale = true;
      return { kind: 'rest', ms: pace.recordPollMs };
    }
    if (this.isFollowing && !(await this.mayTakeOver())) return { kind: 'rest', ms: pace.pollMs };
    if (this.seen >= head.position) return this.caughtUp();

    const after = this.seen;
    const slice = await this.slices.next(after, this.role === 'building');
    // The hint was faster than the log; the next poll at the latest brings it.
    if (slice.through === after) return { kind: 'wait', ms: pace.pollMs };
    if (!this.mustSave(slice)) {
      this.seen = slice.through;
      return atOnce;
    }
    return this.commit(slice, after);
  }

  private mustSave({ events }: LogSlice): boolean {
    return (
      this.role === 'building' ||
      this.isCheckpointDue() ||
      events.some((event) => concerns(this.tables.shapes, event))
    );
  }

  private isCheckpointDue(): boolean {
    const dueMs = this.savedAtMs + this.options.pace.idleCheckpointMs;
    return this.waiters.count > 0 || Date.now() >= dueMs;
  }

  private async commit(slice: LogSlice, after: Position): Promise<Pause> {
    const { pace } = this.options;
    const batch: Batch = {
      ...{ after, slice, saved: this.saved, careful: this.isCareful },
      state: this.role === 'building' ? 'building' : 'live',
      ...(pace.pastKeptMs > 0 && { pastFromMs: Date.now() - this.pastKeptMs() }),
    };
    const beganMs = Date.now();
    const result = await commitBatch(this.projection, this.tables, batch, this.options);
    switch (result.outcome) {
      case 'locked':
        this.isFollowing = true;
        return { kind: 'rest', ms: pace.pollMs };
      case 'elsewhere':
        this.isFollowing = true;
        this.adopt(result.checkpoint);
        return { kind: 'rest', ms: pace.pollMs };
      case 'committed':
        break;
    }
    this.isCareful = false;
    this.saved = this.seen = slice.through;
    this.savedAtMs = Date.now();
    const events = slice.events.length;
    this.options.log.debug?.({ ...this.facts(), after, events }, 'events are applied');
    if (batch.state === 'live') this.tellApplied(slice, beganMs);
    if (result.parked > 0) this.reportParked(result.parked);
    await this.options.onCrashPoint?.('projector.after-commit', this.projection.name);
    this.waiters.check();
    // A log that never rests must be tidied as well.
    if (batch.state === 'live') await this.tidy();
    const isFull = slice.through - after >= pace.batchMax;
    return isFull || this.role === 'building' ? atOnce : { kind: 'rest', ms: pace.restMs };
  }

  /** Nobody has asked tables yet that are being built: their whole day would cost more than it is worth. */
  private pastKeptMs(): number {
    const { pastKeptMs } = this.options.pace;
    return this.role === 'building' ? Math.min(pastKeptMs, BUILDING_PAST_MS) : pastKeptMs;
  }

  private tellApplied({ events }: LogSlice, beganMs: number): void {
    const { onApplied } = this.options;
    if (!onApplied) return;
    const applied = events.filter((event) => concerns(this.tables.shapes, event));
    onApplied(this.projection.name, applied, beganMs);
  }

  private async caughtUp(): Promise<Pause> {
    const { pace, head, pool } = this.options;
    if (this.seen > head.position && this.seen > (await head.refresh()))
      throw new ProjectionInvariantBroken(
        `the log ends at ${head.position}, before the checkpoint ${this.seen}: it is an older copy`,
      );
    if (this.role === 'building') {
      if ((await head.refresh()) > this.seen) return atOnce;
      if (!(await goLive(pool, this.projection))) {
        this.isStale = true;
        return { kind: 'rest', ms: pace.pollMs };
      }
      this.options.log.info(this.facts(), 'read model is live');
      this.dropOldAtMs = 0;
      await this.refresh();
      return atOnce;
    }
    if (this.saved < this.seen && this.isCheckpointDue())
      return this.commit({ events: [], through: this.seen }, this.seen);
    return (await this.tidy()) ? atOnce : { kind: 'wait', ms: pace.pollMs };
  }

  /**
   * Does one small piece of what is due. What cannot be removed holds up no event: it stays, and is
   * tried again when it is due again.
   *
   * @returns Whether there may be more to forget.
   */
  private async tidy(): Promise<boolean> {
    const { pace } = this.options;
    const hasMore = await this.removed(
      () => this.prunePast(),
      () => (this.prunedAtMs = Date.now()),
    );
    if (hasMore) return true;
    await this.removed(
      () => this.dropOld(),
      () => (this.dropOldAtMs = Math.max(this.dropOldAtMs, Date.now() + pace.recordPollMs)),
    );
    return false;
  }

  /** @param later Puts it off, and nothing else: what cannot be removed keeps nobody from removing the rest. */
  private async removed(
    remove: () => Promise<boolean | void>,
    later: () => void,
  ): Promise<boolean> {
    try {
      return (await remove()) === true;
    } catch (fault) {
      later();
      const { log } = this.options;
      log.warn({ ...this.facts(), fault: reasonOf(fault) }, 'what is old cannot be removed yet');
      return false;
    }
  }

  private async dropOld(): Promise<void> {
    if (Date.now() < this.dropOldAtMs) return;
    const { pace, pool } = this.options;
    const isDone = await dropOldTables(pool, this.projection.name);
    // It waits for readers, and nothing is applied meanwhile: not after every batch.
    this.dropOldAtMs = isDone ? Infinity : Date.now() + pace.recordPollMs;
  }

  /** @returns Whether there may be more to forget. */
  private async prunePast(): Promise<boolean> {
    const { pace, pool, store } = this.options;
    if (Date.now() < this.prunedAtMs + pace.pastPruneMs) return false;
    const horizon = await store.positionAt(instantOf(Date.now() - pace.pastKeptMs));
    const hasMore = await prunePast(pool, this.projection, horizon);
    if (!hasMore) this.prunedAtMs = Date.now();
    return hasMore;
  }

  /** A follower looks once per poll whether the owner still moves; when it does not, it is its turn. */
  private async mayTakeOver(): Promise<boolean> {
    const before = this.saved;
    await this.refresh();
    if (this.role === 'superseded' || this.saved > before) return false;
    if (this.seen >= this.options.head.position) return false;
    this.isFollowing = false;
    return true;
  }

  private async refresh(): Promise<void> {
    const { name, version } = this.projection;
    const records = await recordsOf(this.options.pool, name);
    const own = records.find((record) => record.version === version);
    this.isServed = records.some((record) => record.state === 'live' && this.isServedBy(record));
    this.isStale = false;
    this.refreshedAtMs = Date.now();
    const role = own === undefined || own.state === 'retired' ? 'superseded' : own.state;
    if (role === 'superseded' && this.role !== 'superseded')
      this.options.log.warn(
        this.facts(),
        'a newer version of the read model is live; this one rests',
      );
    const isOther = role !== this.role;
    this.parkedStreams = own?.parked_streams ?? 0;
    this.role = role;
    this.adopt(own?.checkpoint ?? this.saved);
    if (isOther) this.tables = this.newTables();
    this.waiters.check();
  }

  /** An older version answers too, if it has all the tables that are asked. */
  private isServedBy({ tables }: ProjectionRecord): boolean {
    return this.projection.tables.every(({ name }) => tables.includes(name));
  }

  /** Goes on from where the database says, and forgets what was only known in memory. */
  private adopt(checkpoint: Position): void {
    const isElsewhere = checkpoint < this.saved || checkpoint > this.seen;
    if (checkpoint !== this.saved || isElsewhere) this.tables.cache?.clear();
    this.saved = checkpoint;
    if (isElsewhere) this.seen = checkpoint;
    this.waiters.check();
  }

  private newTables(): TableSet {
    const cache =
      this.role === 'building'
        ? new RowCache(
            this.projection.tables.length,
            this.options.pace.rebuildCacheBytesMax,
            this.saved === 0,
          )
        : undefined;
    return new TableSet(
      this.projection,
      (shape) => versionedTable(shape, this.projection.version),
      {
        past: (shape) => pastTable(shape, this.projection.version),
        ...(cache && { cache }),
      },
    );
  }

  private async recover(fault: unknown): Promise<void> {
    this.isStale = true;
    this.slices.forget();
    this.tables.cache?.clear();
    if (isRefusedRow(fault) && !this.isCareful) {
      this.isCareful = true;
      return;
    }
    this.lastFault = fault;
    this.faults++;
    const isHopeless = fault instanceof Fault && fault.remedy === 'give-up';
    const facts = { ...this.facts(), fault: reasonOf(fault), faults: this.faults };
    if (isHopeless) this.options.log.error(facts, 'read model cannot go on');
    else this.options.log.warn(facts, 'read model tries again');
    if (isHopeless) await this.remember(fault);
    const ms = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(this.faults - 1, 10));
    await this.bell.wait('stop', ms * (0.5 + Math.random() / 2));
  }

  private async remember(fault: Fault): Promise<void> {
    try {
      await noteFault(this.options.pool, this.projection, reasonOf(fault));
    } catch (unwritten) {
      this.options.log.warn(
        { ...this.facts(), fault: reasonOf(unwritten) },
        'fault could not be recorded',
      );
    }
  }

  private reportParked(events: number): void {
    this.isStale = true;
    this.options.log.error(
      { ...this.facts(), events },
      'events cannot be applied to the read model; their streams are parked',
    );
  }

  private facts(): object {
    return {
      projection: this.projection.name,
      version: this.projection.version,
      position: this.seen,
    };
  }
}
