import type { Position } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';

/** What a read model must have seen at least, as a question says it. */
export type AsOf = { readonly min_position?: Position };

/** Reads from a read model when a hint says where something was recorded, and now and then: hints get lost. */
export class HintedReading {
  private readonly periodic: Periodic;
  private minPosition: Position = 0;
  private unsubscribe: () => void = () => undefined;

  /** @param hint Its subject; its payload is `{ position }`. */
  constructor(
    what: string,
    everyMs: number,
    private readonly bus: MessageBus,
    private readonly hint: string,
    read: (as: AsOf) => Promise<void>,
  ) {
    this.periodic = new Periodic(what, everyMs, () =>
      read(this.minPosition === 0 ? {} : { min_position: this.minPosition }),
    );
  }

  start(): void {
    this.unsubscribe = this.bus.onHint(this.hint, (payload) => {
      const { position } = payload as { readonly position?: unknown };
      if (typeof position === 'number') this.minPosition = Math.max(this.minPosition, position);
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
}
