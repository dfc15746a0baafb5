import { instantOf } from '@downbeat/eventsourcing';
import type { CallFigures } from '@downbeat/observability-domain';
import { ReadModelBehind, ReadModels } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { calls as callsProjection } from '../projections/calls/calls.projection';
import { calledSince, type CalledBySource } from '../projections/calls/called-since';
import { TargetNames } from './target-names';
import { TargetRoom } from './target-room';

const DAY_MS = 86_400_000;

/** Whom each source called within a day, so that no reporter can invent names without end. */
@Injectable()
export class KnownTargets {
  private readonly names: TargetNames;

  constructor(
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {
    this.names = new TargetNames(() => clock.now());
  }

  /** What may be named by these calls. */
  async roomFor(calls: readonly CallFigures[]): Promise<TargetRoom> {
    const sources = [...new Set(calls.map(({ source_service }) => source_service))];
    const unknown = sources.filter((source) => !this.names.of(source));
    const called = await this.calledBy(unknown);
    // A report beside this one may have named some since it was asked.
    const known = sources.map(
      (source) =>
        [
          source,
          this.names.of(source) ?? this.names.remember(source, called.get(source) ?? []),
        ] as const,
    );
    return new TargetRoom(new Map(known), this.names);
  }

  private async calledBy(sources: readonly string[]): Promise<CalledBySource> {
    if (sources.length === 0) return new Map();
    const since = instantOf(this.clock.now() - DAY_MS);
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
}
