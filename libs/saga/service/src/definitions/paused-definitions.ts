import { EventStore } from '@downbeat/event-store';
import { fold, type Position, type Rejection } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import {
  definitionControl,
  definitionControlStream,
  definitionPaused,
  workflowStream,
  type DefinitionControlEvent,
} from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { workflows } from '../projections/workflows/workflows.projection';

/** Wakes the replicas when a definition was paused or resumed: `{ position }`. */
export const DEFINITION_CONTROL_HINT = 'hint.saga.definition-control';

const READ_EVERY_MS = 2_000;

/** Workflows of which no run may begin, as this process has last read it; a lost hint costs two seconds. */
@Injectable()
export class PausedDefinitions {
  private known: ReadonlySet<string> | undefined;
  private readUpTo: Position = 0;
  private readonly listeners = new Set<() => void>();
  private readonly reading: HintedReading;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    bus: MessageBus,
  ) {
    this.reading = new HintedReading(
      'reading which definitions are paused',
      READ_EVERY_MS,
      bus,
      DEFINITION_CONTROL_HINT,
      (as) => this.read(as),
    );
  }

  start(): void {
    this.reading.start();
  }

  async stop(): Promise<void> {
    await this.reading.stop();
  }

  /** It is true up to this position of the log. */
  get position(): Position {
    return this.readUpTo;
  }

  /** Calls back when others are paused than before. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** A process that has read nothing yet asks the log. */
  async has(workflowName: string): Promise<boolean> {
    if (this.known) return this.known.has(workflowName);
    const past = await this.store.load<DefinitionControlEvent>(
      definitionControlStream(workflowName),
    );
    return fold(definitionControl, past as never).runs !== undefined;
  }

  /** Whoever asks once more for a run that has begun gets the answer he had. */
  async whyNoRun(workflowName: string, workflowId: string): Promise<Rejection | undefined> {
    if (!(await this.has(workflowName))) return undefined;
    const past = await this.store.load(workflowStream(workflowId));
    return past.length > 0 ? undefined : definitionPaused(workflowName);
  }

  private async read(as: AsOf): Promise<void> {
    const { data, position } = await this.readModels.ask(workflows, as, (manager) =>
      manager.query<{ name: string }[]>('select name from definition_control where is_paused'),
    );
    const before = this.known;
    this.known = new Set(data.map(({ name }) => name));
    this.readUpTo = position;
    const isChanged =
      before?.size !== this.known.size || data.some(({ name }) => !before.has(name));
    if (isChanged) for (const listener of this.listeners) listener();
  }
}
