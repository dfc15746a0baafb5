import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { isCurrent, breakerStandingOf } from '@downbeat/health-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { BreakerRows } from './breaker-rows';
import type { BreakerRow } from './breaker.table';
import { ordersOf, takersOf } from './orders-of';

const { listCircuitBreakers, getCircuitBreaker } = healthContract;
type Listed = AnswerOf<typeof listCircuitBreakers>['circuit_breakers'][number];
type Holder = AnswerOf<typeof getCircuitBreaker>['holders'][number];

/** Answers which breakers there are, and how they are. Reading changes none of them. */
@Controller()
export class BreakersQueries {
  constructor(private readonly rows: BreakerRows) {}

  @Answers(listCircuitBreakers)
  async list({ input, as }: Question<InputOf<typeof listCircuitBreakers>>) {
    const { service_name = null, target_service = null, state, limit } = input;
    const after = cursorOf(input.cursor);
    return this.rows.ask(as, async (reading) => {
      const rows = await reading.rows(service_name, target_service);
      const all = rows.map((row) => listed(row, reading.momentMs)).sort(byName);
      const wanted = all
        .filter((one) => state === undefined || one.current_state === state)
        .filter((one) => after === null || nameOf(one) > after)
        .slice(0, limit + 1);
      const page = pageOf(wanted, limit, nameOf);
      const count = (of: Listed['current_state']): number =>
        all.filter(({ current_state }) => current_state === of).length;
      return {
        circuit_breakers: [...page.rows],
        state_summary: {
          closed: count('closed'),
          open: count('open'),
          half_open: count('half_open'),
        },
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(getCircuitBreaker)
  async get({ input, as }: Question<InputOf<typeof getCircuitBreaker>>) {
    return this.rows.askOf(input.breaker_id, as, async (row, reading) => ({
      circuit_breaker: listed(row, reading.momentMs),
      ...(row.settings && { settings: row.settings }),
      holders: holdersOf(row, reading.momentMs),
      orders: ordersOf(row, await takersOf(row, reading), reading.momentMs),
    }));
  }
}

function listed(row: BreakerRow, momentMs: number): Listed {
  const { breaker_id: id, service_name, target_service, endpoint_pattern, settings } = row;
  return {
    id,
    service_name,
    target_service,
    endpoint_pattern,
    ...breakerStandingOf(row, momentMs),
    has_settings: settings !== null,
  };
}

const holdersOf = ({ holders }: BreakerRow, momentMs: number): Holder[] =>
  Object.entries(holders).map(([holder, held]) => {
    const { orders_done: _, is_leaving: __, ...shown } = held;
    return { holder, ...shown, is_current: isCurrent(held, momentMs) };
  });

const nameOf = ({ service_name, target_service, endpoint_pattern }: Listed): string =>
  [service_name, target_service, endpoint_pattern].join(' ');

const byName = (one: Listed, other: Listed): number => (nameOf(one) < nameOf(other) ? -1 : 1);
