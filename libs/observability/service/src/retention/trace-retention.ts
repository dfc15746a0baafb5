import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, Rejection, type EventMeta, type Position } from '@downbeat/eventsourcing';
import {
  dueBatches,
  spanForgetting,
  spanForgettingStream,
  type ForgottenBatch,
  type KeptSpans,
} from '@downbeat/observability-domain';
import { ReadModels, type ReadAs } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import {
  Clock,
  ContextPool,
  HostSettings,
  loadConfig,
  Periodic,
  SoleReplica,
} from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { observabilityConfig } from '../observability-config';
import { unsampledTraceparent } from '../otlp/span-recorder';
import { traces } from '../projections/traces/traces.projection';
import { oldestChunks } from './oldest-chunks';

const TURN_EVERY_MS = 15_000;
/** Of one turn; what is due behind them waits for the next one. */
const ROUNDS_MAX = 500;

const metaOf = (): EventMeta => ({
  correlation_id: 'trace-retention',
  causation_id: 'trace-retention',
  actor: 'trace-retention',
  // Forgetting spans shall not be spans.
  traceparent: unsampledTraceparent(),
});

/** Has one replica forget the spans that are too old, or too many, in rounds of a bounded size. */
@Injectable()
export class TraceRetention {
  private readonly logger = new Logger(TraceRetention.name);
  private readonly kept: KeptSpans;
  private readonly turns: SoleReplica;
  private readonly periodic: Periodic;
  private isWorking = false;
  /** What a replica before this one forgot must be seen to be gone. */
  private isInformed = false;

  constructor(
    private readonly readModels: ReadModels,
    private readonly store: EventStore,
    private readonly clock: Clock,
    pool: ContextPool,
    { config, environment }: HostSettings,
  ) {
    const settings = loadConfig(observabilityConfig, environment);
    this.kept = { days: settings.TRACES_KEPT_DAYS, spans: settings.TRACES_KEPT_SPANS };
    this.periodic = new Periodic('forgetting spans', TURN_EVERY_MS, () => this.turn());
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat trace retention ${config.LOG_NAME}`),
      { begin: () => this.begin(), end: () => this.end() },
    );
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
  }

  private begin(): void {
    this.isWorking = true;
    this.isInformed = false;
    this.periodic.start({ atOnce: true });
  }

  private async end(): Promise<void> {
    this.isWorking = false;
    await this.periodic.stop();
  }

  private async turn(): Promise<void> {
    let as: ReadAs = this.isInformed ? {} : { min_position: await this.store.head() };
    let spans = 0;
    for (let round = 0; round < ROUNDS_MAX && this.isWorking; round++) {
      const { data } = await this.readModels.ask(traces, as, oldestChunks);
      this.isInformed = true;
      const due = dueBatches(data.chunks, data.spanCount, this.kept, this.clock.now());
      const last = due.at(-1);
      if (!last) break;
      // What was forgotten must be seen to be gone before more is looked for.
      as = { min_position: await this.forget(due, last.position) };
      spans += due.reduce((sum, { span_count }) => sum + span_count, 0);
    }
    if (spans > 0) this.logger.log({ spans }, 'old spans were forgotten');
  }

  private async forget(
    batches: readonly ForgottenBatch[],
    up_to_position: Position,
  ): Promise<Position> {
    const at = instantOf(this.clock.now());
    const stream = spanForgettingStream(up_to_position);
    const command = { type: 'ForgetSpans', data: { up_to_position, batches }, at } as const;
    const done = await execute(this.store, spanForgetting, stream, command, {
      meta: metaOf(),
    });
    if (done instanceof Rejection) throw new Error(done.message);
    return done.position;
  }
}
