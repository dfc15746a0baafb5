import { observabilityContract, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, ForeignCursor, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { comparedTraces } from './compared-traces';
import { openedTrace } from './opened-trace';
import { traceDetails } from './trace-details';
import { listedTraces } from './trace-list';
import { traces } from './traces.projection';

const { listTraces, searchTraces, getTrace, compareTraces } = observabilityContract;

/** Answers what happened on the way of a request. */
@Controller()
export class TracesQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listTraces)
  list({ input, as }: Question<InputOf<typeof listTraces>>) {
    return this.readModels.ask(traces, as, (manager) => listedTraces(manager, input));
  }

  @Answers(searchTraces)
  search({ input, as }: Question<InputOf<typeof searchTraces>>) {
    return this.readModels.ask(traces, as, (manager) => listedTraces(manager, input, input.offset));
  }

  @Answers(getTrace)
  async get({ input, as }: Question<InputOf<typeof getTrace>>) {
    const after = Number(cursorOf(input.cursor) ?? 0);
    if (!Number.isSafeInteger(after)) throw new ForeignCursor('does not belong to this list');
    const read = await this.readModels.ask(traces, as, (manager) =>
      openedTrace(manager, input.trace_id),
    );
    if (read.data.spans.length === 0) return unknownTrace(input.trace_id);
    return { position: read.position, data: traceDetails(read.data, after, input.limit) };
  }

  @Answers(compareTraces)
  async compare({ input, as }: Question<InputOf<typeof compareTraces>>) {
    const read = await this.readModels.ask(traces, as, async (manager) => ({
      first: await openedTrace(manager, input.first),
      second: await openedTrace(manager, input.second),
    }));
    const { first, second } = read.data;
    if (first.spans.length === 0) return unknownTrace(input.first);
    if (second.spans.length === 0) return unknownTrace(input.second);
    return { position: read.position, data: comparedTraces(first, second) };
  }
}

const unknownTrace = (traceId: string): Rejection =>
  new Rejection('trace-unknown', `no span of the trace ${traceId} has come`, 'not-found');
