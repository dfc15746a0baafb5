import type { Position } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import type { ReadModels } from '@downbeat/projections';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { targets, type TargetRow } from '../projections/targets/targets.projection';
import type { TargetRules } from './admission';

/** Wakes the replicas when an operator has said something of a target: `{ position }`. */
export const TARGET_HINT = 'hint.saga.target';

const READ_EVERY_MS = 2_000;

/** What operators allow targets, as this process has last read it; a lost hint costs two seconds. */
export class FollowedRules {
  private known: readonly TargetRules[] = [];
  private readUpTo: Position = 0;
  private readonly reading: HintedReading;

  constructor(
    private readonly readModels: ReadModels,
    bus: MessageBus,
    private readonly onRules: (rules: readonly TargetRules[]) => void,
  ) {
    this.reading = new HintedReading(
      'reading the rules of targets',
      READ_EVERY_MS,
      bus,
      TARGET_HINT,
      (as) => this.read(as),
    );
  }

  start(): void {
    this.reading.start();
  }

  async stop(): Promise<void> {
    await this.reading.stop();
  }

  get rules(): readonly TargetRules[] {
    return this.known;
  }

  /** They are true up to this position of the log. */
  get position(): Position {
    return this.readUpTo;
  }

  private async read(as: AsOf): Promise<void> {
    const { data, position } = await this.readModels.ask(targets, as, (manager) =>
      manager.query<TargetRow[]>('select service_name, is_paused, limits from target'),
    );
    this.known = data;
    this.readUpTo = position;
    this.onRules(data);
  }
}
