import { EventStoreUnavailable, LeaseLost, type EventStore } from '@downbeat/event-store';
import type { JsonObject, StreamName } from '@downbeat/eventsourcing';
import type { Sight, Witness } from './witness';

const LOOK_EVERY_MS = 500;
/** Of the runs that changed hands since the last look. */
const PROBES_MAX = 4;

/** Writes as a holder would that was frozen and does not know that it has lost its runs. */
export class Probe {
  readonly sights: Sight[] = [];
  /** Stale appends that were tried, and refused. */
  refused = 0;
  readonly violations: string[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly witness: Witness,
    private readonly store: EventStore,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await this.look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await this.look();
  }

  private async look(): Promise<void> {
    const seen = await this.witness.sights(this.sights.at(-1)?.id ?? 0);
    this.sights.push(...seen);
    const taken = seen.filter(({ kind }) => kind === 'take-over');
    for (const sight of taken.slice(0, PROBES_MAX)) await this.tryStale(sight);
  }

  private async tryStale({ stream, detail: owner, epoch }: Sight): Promise<void> {
    const name = stream as StreamName;
    const expected = (await this.store.load(name)).length;
    const meta = { correlation_id: stream, causation_id: stream, actor: 'drill' };
    const lease = { use: 'hold', owner, epoch: epoch - 1 } as const;
    const data: JsonObject = {};
    try {
      await this.store.append({
        ...{ stream: name, expected, meta, lease },
        events: [{ type: 'StaleAppend', data }],
      });
      this.violations.push(`${stream}: an append of ${owner} in epoch ${epoch - 1} succeeded`);
    } catch (fault) {
      // A busy database's time-out says nothing; another run is tried later.
      if (fault instanceof EventStoreUnavailable) return;
      if (!(fault instanceof LeaseLost)) throw fault;
      this.refused++;
    }
  }
}
