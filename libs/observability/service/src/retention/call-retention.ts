import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, Rejection, type Instant, type Position } from '@downbeat/eventsourcing';
import {
  callForgetting,
  callForgettingStream,
  forgottenBefore,
  type ForgetCalls,
} from '@downbeat/observability-domain';
import { ReadModels, type ReadAs } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { Clock, ContextPool, HostSettings, Periodic, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { unsampledTraceparent } from '../otlp/span-recorder';
import { calls } from '../projections/calls/calls.projection';
import { oldestCalls } from './oldest-calls';

const TURN_EVERY_MS = 60_000;
/** Of one turn; what is due behind them waits for the next one. */
const ROUNDS_MAX = 500;

/** Has one replica forget the calls of those who have not called for long, in rounds of a bounded size. */
@Injectable()
export class CallRetention {
  private readonly logger = new Logger(CallRetention.name);
  private readonly turns: SoleReplica;
  private readonly periodic: Periodic;
  private isWorking = false;

  constructor(
    private readonly readModels: ReadModels,
    private readonly store: EventStore,
    private readonly clock: Clock,
    pool: ContextPool,
    { config }: HostSettings,
  ) {
    this.periodic = new Periodic('forgetting calls', TURN_EVERY_MS, () => this.turn());
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat call retention ${config.LOG_NAME}`),
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
    this.periodic.start({ atOnce: true });
  }

  private async end(): Promise<void> {
    this.isWorking = false;
    await this.periodic.stop();
  }

  private async turn(): Promise<void> {
    const at = instantOf(this.clock.now());
    const before = forgottenBefore(at);
    // What a replica before this one forgot must be seen to be gone.
    let as: ReadAs = { min_position: await this.store.head() };
    let places = 0;
    for (let round = 0; round < ROUNDS_MAX && this.isWorking; round++) {
      const { data, position } = await this.readModels.ask(calls, as, (manager) =>
        oldestCalls(manager, before),
      );
      const due = data.minutes.places.length + data.hours.places.length;
      if (due === 0) break;
      // What was forgotten must be seen to be gone before more is looked for.
      as = { min_position: await this.forget(data, position, at) };
      places += due;
    }
    if (places > 0) this.logger.log({ places }, 'calls of long ago were forgotten');
  }

  private async forget(data: ForgetCalls['data'], seenAt: Position, at: Instant) {
    const stream = callForgettingStream(seenAt);
    const command = { type: 'ForgetCalls', data, at } as const;
    const meta = {
      ...{ correlation_id: 'call-retention', causation_id: 'call-retention' },
      ...{ actor: 'call-retention', traceparent: unsampledTraceparent() },
    };
    const done = await execute(this.store, callForgetting, stream, command, { meta });
    if (done instanceof Rejection) throw new Error(done.message);
    return done.position;
  }
}
