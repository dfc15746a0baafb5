import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { epochMs } from '@downbeat/eventsourcing';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { BreakerRows } from './breaker-rows';
import type { BreakerRow } from './breaker.table';
import type { RecordedOrder } from './recorded-order';

const { breakerDefaults, breakerPolicies } = healthContract;
type Policies = AnswerOf<typeof breakerPolicies>;

/** For so long an order that ends what was forced stands by itself: for those who were away meanwhile. */
const ENDING_MS = 3_600_000;

/** Answers what breakers are to do: to their holders, and the defaults to whoever asks. */
@Controller()
export class BreakerPoliciesQueries {
  constructor(private readonly rows: BreakerRows) {}

  @Answers(breakerDefaults)
  async defaults({ as }: Question<InputOf<typeof breakerDefaults>>) {
    return this.rows.ask(as, async (reading): Promise<AnswerOf<typeof breakerDefaults>> => {
      const row = await reading.defaults();
      return { ...(row && { defaults: row.settings }) };
    });
  }

  @Answers(breakerPolicies)
  async policies({ input, as }: Question<InputOf<typeof breakerPolicies>>) {
    return this.rows.ask(as, async (reading): Promise<Policies> => {
      const rows = await reading.rowsFor(input.service_name);
      const defaults = await reading.defaults();
      const endingsSinceMs = oldestForceMs(rows, reading.momentMs);
      return {
        ...(defaults && { defaults: defaults.settings }),
        settings: rows.flatMap((row) =>
          row.settings ? [{ ...namesOf(row), ...row.settings }] : [],
        ),
        orders: rows
          .flatMap((row) =>
            standing(row.orders, reading.momentMs, endingsSinceMs).map(
              ({ ordered_by: _, ...order }) => ({
                ...namesOf(row),
                ...order,
                ...(order.until !== undefined && {
                  seconds_left: (epochMs(order.until) - reading.momentMs) / 1_000,
                }),
              }),
            ),
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

/** Since when what ends something matters: a rule that forces more than it would else outlive its exceptions. */
function oldestForceMs(rows: readonly BreakerRow[], momentMs: number): number {
  const forces = rows
    .flatMap(({ orders }) => orders)
    .filter(({ until }) => until !== undefined && epochMs(until) > momentMs);
  return Math.min(momentMs - ENDING_MS, ...forces.map(({ ordered_at }) => epochMs(ordered_at)));
}

/** What still has an effect: the last that ended what was forced, and the last that forced something since. */
function standing(
  orders: readonly RecordedOrder[],
  momentMs: number,
  endingsSinceMs: number,
): readonly RecordedOrder[] {
  const isEnding = ({ kind }: RecordedOrder): boolean => kind === 'reset' || kind === 'release';
  const ending = orders.findLast(isEnding);
  const last = orders.at(-1);
  return [ending, last === ending ? undefined : last]
    .filter((one) => one !== undefined)
    .filter(({ until, ordered_at }) =>
      until === undefined ? epochMs(ordered_at) > endingsSinceMs : epochMs(until) > momentMs,
    );
}
