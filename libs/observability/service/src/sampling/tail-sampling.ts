import { utf8Bytes } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import {
  packedSpans,
  sampledSpans,
  type Sampled,
  type Sampling,
  type SpansOfResource,
  type UndecidedTrace,
} from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock, HostSettings, loadConfig, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { observabilityConfig } from '../observability-config';
import { RequestRefused } from '../otlp/request-refused';
import { SpanRecorder, spansIn } from '../otlp/span-recorder';
import { traces } from '../projections/traces/traces.projection';
import { SpanCounts } from './span-counts';
import { resourcesHeld, spansHeld, UndecidedSpans, type HeldTrace } from './undecided-spans';

const LOOK_EVERY_MS = 500;
/** Of one turn: as many ids are looked for at once. */
const TRACES_MAX = 5_000;
const RETRY_AFTER_SECONDS = 1;
const SPANS_HELD_MAX = 100_000;
const BYTES_HELD_MAX = 64 * 2 ** 20;

/**
 * Keeps spans of a sampled trace, and of one with a span that failed or was slow. Others are held for a
 * while: a trace that the log knows by then has such a span, whichever replica it came to.
 */
@Injectable()
export class TailSampling {
  private readonly sampling: Sampling;
  private readonly heldMs: number;
  private readonly undecided = new UndecidedSpans({ spans: SPANS_HELD_MAX, bytes: BYTES_HELD_MAX });
  private readonly periodic = new Periodic('sampling spans', LOOK_EVERY_MS, () => this.decideDue());

  constructor(
    private readonly readModels: ReadModels,
    private readonly store: EventStore,
    private readonly recorder: SpanRecorder,
    private readonly counts: SpanCounts,
    private readonly clock: Clock,
    { environment }: HostSettings,
  ) {
    const settings = loadConfig(observabilityConfig, environment);
    this.sampling = {
      share: settings.TRACES_SAMPLED_SHARE,
      slowUs: settings.TRACES_SLOW_MS * 1_000,
    };
    this.heldMs = settings.TRACES_UNDECIDED_MS;
  }

  get heldSpans(): number {
    return this.undecided.spans;
  }

  start(): void {
    if (this.sampling.share < 1) this.periodic.start();
  }

  /** Decides what is held by what is known now: nothing of it outlives the process. */
  async stop(): Promise<void> {
    await this.periodic.stop();
    while (this.undecided.spans > 0) await this.decideDue(Infinity);
  }

  sampled(batches: readonly (readonly SpansOfResource[])[]): Sampled {
    return sampledSpans(batches, this.sampling);
  }

  /**
   * @returns How many of them are not held already.
   * @throws {RequestRefused} There is no room for them.
   */
  hold(undecided: readonly UndecidedTrace[]): number {
    const held = this.undecided.hold(undecided, this.clock.now());
    if (this.undecided.isCrowded) this.periodic.hurry();
    if (held !== undefined) return held;
    throw new RequestRefused(
      429,
      'more spans are undecided than can be held: send them again later',
      RETRY_AFTER_SECONDS,
    );
  }

  private async decideDue(beforeMs = this.clock.now() - this.heldMs): Promise<void> {
    const due = this.undecided.takeDue(beforeMs, TRACES_MAX);
    if (due.length === 0) return;
    try {
      await this.decide(due);
    } catch (fault) {
      // What was recorded of them before is recorded once, whoever does it again.
      this.undecided.putBack(due);
      throw fault;
    }
  }

  private async decide(due: readonly HeldTrace[]): Promise<void> {
    const known = await this.knownOf(due.map(({ trace_id }) => trace_id));
    const [wanted, others] = [true, false].map((isWanted) =>
      due.filter(({ trace_id }) => known.has(trace_id) === isWanted),
    ) as [HeldTrace[], HeldTrace[]];
    let [kept, refused] = [0, 0];
    for (const batch of packedSpans(wanted.flatMap(resourcesHeld), bytesOf)) {
      if (await this.recorder.record(batch)) refused += spansIn(batch);
      else kept += spansIn(batch);
    }
    this.counts.kept += kept;
    this.counts.refused += refused;
    this.counts.sampledAway += others.reduce((sum, trace) => sum + spansHeld(trace), 0);
  }

  /** Those of them that the log has spans of, as it is now. */
  private async knownOf(traceIds: readonly string[]): Promise<ReadonlySet<string>> {
    const min_position = await this.store.head();
    const { data } = await this.readModels.ask(traces, { min_position }, (manager) =>
      manager.query<{ trace_id: string }[]>(
        'select trace_id from trace where trace_id = any($1::text[])',
        [traceIds],
      ),
    );
    return new Set(data.map(({ trace_id }) => trace_id));
  }
}

const bytesOf = (resource: SpansOfResource): number => utf8Bytes(JSON.stringify(resource));
