import type { AnswerOf, healthContract } from '@downbeat/contracts';
import { isCurrent } from '@downbeat/health-domain';
import type { BreakerReading } from './breaker-rows';
import type { BreakerRow } from './breaker.table';

type Order = AnswerOf<typeof healthContract.getCircuitBreaker>['orders'][number];

const ANY = '*';
const isAny = (said: string, name: string): boolean => said === ANY || said === name;

/** Whether what is said of one (which may be of any service) goes for the other. */
export const goesFor = (said: BreakerRow, other: BreakerRow): boolean =>
  isAny(said.service_name, other.service_name) &&
  isAny(said.target_service, other.target_service) &&
  said.endpoint_pattern === other.endpoint_pattern;

/** The breakers that carry out orders for this one: itself, or those that its stars stand for. */
export async function takersOf(
  row: BreakerRow,
  reading: BreakerReading,
): Promise<readonly BreakerRow[]> {
  const { service_name, target_service } = row;
  if (service_name !== ANY && target_service !== ANY) return [row];
  const rows = await reading.rows(
    service_name === ANY ? null : service_name,
    target_service === ANY ? null : target_service,
  );
  return rows.filter((one) => goesFor(row, one));
}

/** What was asked of a breaker, and who has done it. */
export function ordersOf(
  { breaker_id, orders }: BreakerRow,
  takers: readonly BreakerRow[],
  momentMs: number,
): Order[] {
  const holders = takers.flatMap((row) => Object.entries(row.holders));
  return orders.map(({ order_no, ...order }) => {
    const done = holders.flatMap(([holder, { orders_done }]) => {
      const found = orders_done.find((one) => one.breaker_id === breaker_id);
      // Who has carried out a newer one has nothing left to do for this one.
      return found && found.order_no >= order_no ? [{ holder, at: found.at }] : [];
    });
    const isDone = new Set(done.map(({ holder }) => holder));
    const waiting = holders
      .filter(([holder, one]) => isCurrent(one, momentMs) && !isDone.has(holder))
      .map(([holder]) => holder);
    return { order_no, ...order, done_by: done, waits_for: [...new Set(waiting)] };
  });
}
