import { utf8Bytes } from '@downbeat/contracts';
import {
  spanBatches,
  type HandedResource,
  type Sampled,
  type SpanBatches,
} from '@downbeat/observability-domain';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { SpanCounts } from '../sampling/span-counts';
import { TailSampling } from '../sampling/tail-sampling';
import type { TakenSpans } from './export-response';
import { SpanRecorder, spansIn, type Refused } from './span-recorder';

/** What becomes of the spans of a request. */
@Injectable()
export class Ingest {
  constructor(
    private readonly recorder: SpanRecorder,
    private readonly sampling: TailSampling,
    private readonly counts: SpanCounts,
    private readonly clock: Clock,
  ) {}

  batchesOf(resources: readonly HandedResource[]): SpanBatches {
    return spanBatches(resources, this.clock.now() * 1_000, (value) =>
      utf8Bytes(JSON.stringify(value)),
    );
  }

  /**
   * What is kept of a request, once it is committed, and what is held until it is known whether its
   * trace is worth keeping. Handing over the same again changes nothing.
   *
   * @throws {RequestRefused} It could not be kept now.
   */
  async take({ batches, rejected, misfit }: SpanBatches): Promise<TakenSpans> {
    const sampled = this.sampling.sampled(batches);
    const wanted = sum(sampled.kept.map(spansIn));
    const refused = await this.holdAndRecord(sampled, wanted);
    const lost = sum(refused.map(({ spans }) => spans));
    this.counts.received += rejected;
    this.counts.refused += rejected + lost;
    this.counts.kept += wanted - lost;
    return {
      kept: wanted - lost,
      undecided: undecidedIn(sampled),
      rejected: rejected + lost,
      message: [...(misfit ? [`${misfit.field} ${misfit.message}`] : []), ...refused.map(reasonOf)]
        .slice(0, 1)
        .join(),
    };
  }

  private async holdAndRecord(sampled: Sampled, wanted: number): Promise<readonly Refused[]> {
    let putOff = wanted + undecidedIn(sampled);
    try {
      const heldAnew = this.sampling.hold(sampled.undecided);
      putOff = wanted;
      this.counts.received += heldAnew;
      const refusals = await Promise.all(sampled.kept.map((batch) => this.recorder.record(batch)));
      this.counts.received += wanted;
      return refusals.filter((one) => one !== undefined);
    } catch (fault) {
      this.counts.received += putOff;
      this.counts.putOff += putOff;
      throw fault;
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

const undecidedIn = ({ undecided }: Sampled): number =>
  sum(undecided.map(({ resources }) => spansIn(resources)));

const reasonOf = ({ message }: Refused): string => message;
