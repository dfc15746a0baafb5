import { Fault } from '@downbeat/eventsourcing';

const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5_000;
/** What trying again will hardly change is tried seldom. */
const HOPELESS_PAUSE_MS = 60_000;

export interface PerseverancePorts {
  /** False: nobody wants it any more. */
  readonly isWanted: () => boolean;
  readonly pause: (ms: number) => Promise<void>;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly now: () => number;
  /** @returns True when this fault is an end of it, and no reason to try again. */
  readonly onFault: (fault: unknown) => boolean;
}

/** Repeats what must succeed, for as long as it is wanted; says what stands against it at present. */
export class Perseverance {
  private readonly troubles = new Map<
    symbol,
    { readonly since: number; readonly fault: unknown }
  >();

  constructor(private readonly ports: PerseverancePorts) {}

  async untilDone(work: () => Promise<unknown>): Promise<void> {
    const id = Symbol('what is being tried');
    for (let turn = 0; this.ports.isWanted(); turn++) {
      try {
        await work();
        break;
      } catch (fault) {
        if (this.ports.onFault(fault)) break;
        this.troubles.set(id, { since: this.troubles.get(id)?.since ?? this.ports.now(), fault });
        await this.ports.pause(pauseMs(fault, turn));
      }
    }
    this.troubles.delete(id);
  }

  /** The trouble that has lasted longest; undefined when all is well. */
  get trouble(): { readonly since: number; readonly code: string } | undefined {
    const [first] = this.troubles.values();
    if (!first) return undefined;
    const { since, fault } = first;
    return { since, code: fault instanceof Fault ? fault.code : 'defect' };
  }
}

function pauseMs(fault: unknown, turn: number): number {
  if (!(fault instanceof Fault) || fault.remedy === 'give-up') return HOPELESS_PAUSE_MS;
  return Math.min(PAUSE_FIRST_MS * 2 ** turn, PAUSE_MAX_MS);
}
