import { observabilityContract, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { serviceMap } from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, Clock, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { endOfWindow } from './asked-moment';
import { callSeries } from './call-series';
import { calls } from './calls.projection';
import { observedCalls } from './observed-calls';
import { RegistryView } from './registry-view';

const { getCalls, getServiceMap, MINUTES_KEPT, SERIES_MAX } = observabilityContract;
const HOUR_MINUTES = 60;

/** Answers who calls whom, how often, and how that goes. */
@Controller()
export class CallsQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly registry: RegistryView,
    private readonly clock: Clock,
  ) {}

  @Answers(getCalls)
  async series({ input, as }: Question<InputOf<typeof getCalls>>) {
    const misfit = misfitOf(input);
    if (misfit) return misfit;
    return this.readModels.ask(calls, as, async (manager) =>
      callSeries(manager, input, await endOfWindow(manager, as, this.clock.now())),
    );
  }

  @Answers(getServiceMap)
  async map({ input: { window_minutes }, as }: Question<InputOf<typeof getServiceMap>>) {
    const read = await this.readModels.ask(calls, as, async (manager) =>
      observedCalls(manager, window_minutes, await endOfWindow(manager, as, this.clock.now())),
    );
    const { at, min_position } = as;
    const registry = await this.registry.seen({
      ...(at === undefined ? {} : { at }),
      ...(min_position === undefined ? {} : { min_position }),
    });
    const data = serviceMap({ ...registry, observed: read.data, windowMinutes: window_minutes });
    return { position: read.position, data };
  }
}

function misfitOf({
  window_minutes,
  bucket_minutes,
}: InputOf<typeof getCalls>): Rejection | undefined {
  if (window_minutes > MINUTES_KEPT && bucket_minutes % HOUR_MINUTES !== 0)
    return misfit(
      `must be whole hours (60, 120, …): of more than ${MINUTES_KEPT} minutes no single ones are kept`,
    );
  if (Math.ceil(window_minutes / bucket_minutes) <= SERIES_MAX) return undefined;
  return misfit(`must be larger: ${window_minutes} minutes in more than ${SERIES_MAX} steps`);
}

const misfit = (message: string): Rejection =>
  new Rejection('invalid-input', `bucket_minutes ${message}`, 'invalid', [
    { field: 'bucket_minutes', message },
  ]);
