import { instantOf } from '@downbeat/eventsourcing';
import { withNamedTargets, type CallFigures } from '@downbeat/observability-domain';
import { ReadModelBehind, ReadModels } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { calls as callsProjection } from '../projections/calls/calls.projection';
import { calledSince, type CalledBySource } from '../projections/calls/called-since';

/** After this it is asked again: names that nobody called for a day make room. */
const REMEMBERED_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Of those beyond, the one that reported longest ago is asked for again when it is back. */
const SOURCES_MAX = 10_000;

interface Remembered {
  readonly targets: ReadonlySet<string>;
  readonly untilMs: number;
}

/** Whom each source called within a day, so that no reporter can invent names without end. */
@Injectable()
export class KnownTargets {
  private readonly remembered = new Map<string, Remembered>();

  constructor(
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {}

  /** The figures with as many targets as there is room for; their names count from now on. */
  async bounded(calls: readonly CallFigures[]): Promise<CallFigures[]> {
    const nowMs = this.clock.now();
    const sources = [...new Set(calls.map(({ source_service }) => source_service))];
    const unknown = sources.filter((source) => !this.isKnown(source, nowMs));
    const called = await this.calledBy(unknown, nowMs);
    // From here on nobody else is between: a report beside this one may have named some since it was asked.
    for (const source of unknown)
      if (!this.isKnown(source, nowMs))
        this.remember(source, called.get(source) ?? new Set(), nowMs + REMEMBERED_MS);
    const known = new Map(
      sources.map((source) => [source, this.remembered.get(source)?.targets ?? new Set<string>()]),
    );
    const { calls: bounded, named } = withNamedTargets(calls, known);
    for (const [source, targets] of named)
      this.remember(source, targets, this.remembered.get(source)?.untilMs ?? nowMs);
    return bounded;
  }

  private isKnown(source: string, nowMs: number): boolean {
    return (this.remembered.get(source)?.untilMs ?? 0) > nowMs;
  }

  private async calledBy(sources: readonly string[], nowMs: number): Promise<CalledBySource> {
    if (sources.length === 0) return new Map();
    const since = instantOf(nowMs - DAY_MS);
    try {
      const read = await this.readModels.ask(callsProjection, {}, (manager) =>
        calledSince(manager, sources, since),
      );
      return read.data;
    } catch (fault) {
      // Built for the first time: reports go on, and what they name counts as far as it is remembered.
      if (fault instanceof ReadModelBehind) return new Map();
      throw fault;
    }
  }

  private remember(source: string, targets: ReadonlySet<string>, untilMs: number): void {
    this.remembered.delete(source);
    this.remembered.set(source, { targets, untilMs });
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > SOURCES_MAX && oldest !== undefined) this.remembered.delete(oldest);
  }
}
