import {
  EventStoreUnavailable,
  LeaseLost,
  StreamVersionConflict,
  type EventStore,
} from '@downbeat/event-store';
import type { JsonObject, StreamName } from '@downbeat/eventsourcing';
import type { Sight, Witness } from './witness';

const LOOK_EVERY_MS = 500;
/** Of the runs that changed hands since the last look. */
const PROBES_MAX = 4;
const LAST_LOOKS_MAX = 5;
/** Of one run, which goes on while it is probed. */
const TRIES_MAX = 5;

/** Writes as a holder would that was frozen and does not know that it has lost its runs. */
export class Probe {
  readonly sights: Sight[] = [];
  /** Stale appends that were tried, and refused. */
  refused = 0;
  /** Also what kept it from finding out. */
  readonly violations: string[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly witness: Witness,
    private readonly store: EventStore,
    private readonly lookEveryMs = LOOK_EVERY_MS,
  ) {
    this.running = this.run();
  }

  /** Returns when all has been looked at that the database has seen. Never throws. */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await this.look();
      await this.pause();
    }
    // What a look has missed the next one sees: only the last one must succeed.
    let trouble = await this.look();
    for (let looks = 1; trouble !== undefined && looks < LAST_LOOKS_MAX; looks++) {
      await this.pause();
      trouble = await this.look();
    }
    if (trouble !== undefined) this.violations.push(trouble);
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.lookEveryMs));
  }

  /** @returns Why nothing was seen; undefined: all was. */
  private async look(): Promise<string | undefined> {
    try {
      const seen = await this.witness.sights(this.sights.at(-1)?.id ?? 0);
      this.sights.push(...seen);
      const taken = seen.filter(({ kind }) => kind === 'take-over');
      for (const sight of taken.slice(0, PROBES_MAX)) await this.tryStale(sight);
      return undefined;
    } catch (fault) {
      return `what the database saw could not be read: ${String(fault)}`;
    }
  }

  private async tryStale(sight: Sight, tries = 1): Promise<void> {
    const { stream, detail: owner, epoch } = sight;
    const name = stream as StreamName;
    const meta = { correlation_id: stream, causation_id: stream, actor: 'drill' };
    const lease = { use: 'hold', owner, epoch: epoch - 1 } as const;
    const data: JsonObject = {};
    try {
      const expected = (await this.store.load(name)).length;
      await this.store.append({
        ...{ stream: name, expected, meta, lease },
        events: [{ type: 'StaleAppend', data }],
      });
      this.violations.push(`${stream}: an append of ${owner} in epoch ${epoch - 1} succeeded`);
    } catch (fault) {
      if (fault instanceof LeaseLost) this.refused++;
      else if (fault instanceof StreamVersionConflict && tries < TRIES_MAX)
        await this.tryStale(sight, tries + 1);
      else if (!isNoVerdict(fault))
        this.violations.push(`${stream}: the append was not refused: ${String(fault)}`);
    }
  }
}

/** The database was busy, or the run went on each time: another run is tried later. */
const isNoVerdict = (fault: unknown): boolean =>
  fault instanceof EventStoreUnavailable || fault instanceof StreamVersionConflict;
