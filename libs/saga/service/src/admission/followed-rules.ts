import type { Position } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import type { ReadModels } from '@downbeat/projections';
import { Periodic } from '@downbeat/service-host';
import { targets, type TargetRow } from '../projections/targets/targets.projection';
import type { TargetRules } from './admission';

/** Wakes the replicas when an operator has said something of a target: `{ position }`. */
export const TARGET_HINT = 'hint.saga.target';

const READ_EVERY_MS = 2_000;

/** What operators allow targets, as this process has last read it; a lost hint costs two seconds. */
export class FollowedRules {
  private known: readonly TargetRules[] = [];
  private readUpTo: Position = 0;
  private minPosition: Position = 0;
  private unsubscribe: () => void = () => undefined;
  private readonly reading = new Periodic('reading the rules of targets', READ_EVERY_MS, () =>
    this.read(),
  );

  constructor(
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
    private readonly onRules: (rules: readonly TargetRules[]) => void,
  ) {}

  start(): void {
    this.unsubscribe = this.bus.onHint(TARGET_HINT, (payload) => {
      const { position } = payload as { readonly position?: unknown };
      if (typeof position === 'number') this.minPosition = Math.max(this.minPosition, position);
      this.reading.hurry();
    });
    this.reading.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    await this.reading.stop();
  }

  get rules(): readonly TargetRules[] {
    return this.known;
  }

  /** They are true up to this position of the log. */
  get position(): Position {
    return this.readUpTo;
  }

  private async read(): Promise<void> {
    const as = this.minPosition === 0 ? {} : { min_position: this.minPosition };
    const { data, position } = await this.readModels.ask(targets, as, (manager) =>
      manager.query<TargetRow[]>('select service_name, is_paused, limits from target'),
    );
    this.known = data;
    this.readUpTo = position;
    this.onRules(data);
  }
}
