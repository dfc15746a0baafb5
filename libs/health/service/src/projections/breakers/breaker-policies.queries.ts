import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { epochMs } from '@downbeat/eventsourcing';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { BreakerRows } from './breaker-rows';
import type { BreakerRow } from './breaker.table';
import type { RecordedOrder } from './recorded-order';

const { breakerPolicies } = healthContract;
type Policies = AnswerOf<typeof breakerPolicies>;

const ORDERED_MS_MAX = 3_600_000;

/** Answers holders: what their breakers are to do. */
@Controller()
export class BreakerPoliciesQueries {
  constructor(private readonly rows: BreakerRows) {}

  @Answers(breakerPolicies)
  async policies({ input, as }: Question<InputOf<typeof breakerPolicies>>) {
    return this.rows.ask(as, async (reading): Promise<Policies> => {
      const rows = await reading.rowsFor(input.service_name);
      const defaults = await reading.defaults();
      return {
        ...(defaults && { defaults: defaults.settings }),
        settings: rows.flatMap((row) =>
          row.settings ? [{ ...namesOf(row), ...row.settings }] : [],
        ),
        orders: rows
          .flatMap((row) =>
            standing(row.orders, reading.momentMs).map(({ ordered_by: _, ...order }) => ({
              ...namesOf(row),
              ...order,
            })),
          )
          .sort((one, other) => (one.ordered_at < other.ordered_at ? -1 : 1)),
      };
    });
  }
}

const namesOf = ({ breaker_id, service_name, target_service, endpoint_pattern }: BreakerRow) => ({
  breaker_id,
  service_name,
  target_service,
  endpoint_pattern,
});

/** What still has an effect: the last that ended what was forced, and the last that forced something since. */
function standing(orders: readonly RecordedOrder[], momentMs: number): readonly RecordedOrder[] {
  const isEnding = ({ kind }: RecordedOrder): boolean => kind === 'reset' || kind === 'release';
  const ending = orders.findLast(isEnding);
  const last = orders.at(-1);
  return [ending, last === ending ? undefined : last]
    .filter((one) => one !== undefined)
    .filter(({ until, ordered_at }) =>
      until === undefined
        ? momentMs - epochMs(ordered_at) < ORDERED_MS_MAX
        : epochMs(until) > momentMs,
    );
}
