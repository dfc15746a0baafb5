import type { Position } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';

/** What a read model must have seen at least, as a question says it. */
export type AsOf = { readonly min_position?: Position };

/** So many turns ask for what was hinted at: it may never be there, if the log was put back. */
const TURNS_AFTER_HINT = 5;

/** Reads from a read model when a hint says where something was recorded, and now and then: hints get lost. */
export class HintedReading {
  private readonly periodic: Periodic;
  private minPosition: Position = 0;
  private turnsLeft = 0;
  private unsubscribe: () => void = () => undefined;

  /** @param hint Its subject; its payload is `{ position }`. */
  constructor(
    what: string,
    everyMs: number,
    private readonly bus: MessageBus,
    private readonly hint: string,
    read: (as: AsOf) => Promise<void>,
  ) {
    this.periodic = new Periodic(what, everyMs, () => read(this.asOf()));
  }

  start(): void {
    this.unsubscribe = this.bus.onHint(this.hint, (payload) => {
      const { position } = payload as { readonly position?: unknown };
      if (isPosition(position) && position > this.minPosition)
        [this.minPosition, this.turnsLeft] = [position, TURNS_AFTER_HINT];
      this.periodic.hurry();
    });
    this.periodic.start({ atOnce: true });
  }

  /** Reads now. */
  hurry(): void {
    this.periodic.hurry();
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    await this.periodic.stop();
  }

  private asOf(): AsOf {
    if (this.turnsLeft-- <= 0) this.minPosition = 0;
    return this.minPosition === 0 ? {} : { min_position: this.minPosition };
  }
}

const isPosition = (said: unknown): said is Position => Number.isSafeInteger(said);
