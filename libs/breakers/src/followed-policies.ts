import type { AnswerOf, healthContract } from '@downbeat/contracts';
import { epochMs, type Instant } from '@downbeat/eventsourcing';
import {
  BreakerRules,
  policyFrom,
  type BreakerKey,
  type BreakerPolicy,
  type BreakerRule,
} from '@downbeat/resilience';
import type { BreakerOrder } from './breaker-orders';

const ANY = '*';

/** What the health context says breakers are to do. */
export type Policies = AnswerOf<typeof healthContract.breakerPolicies>;

type Order = Policies['orders'][number];

interface Now {
  readonly nowMs: number;
  readonly calendarMs: number;
}

/** @throws {RangeError} A newer release says what this one cannot follow. */
export function rulesFrom(policies: Policies, ownPolicy: BreakerPolicy): BreakerRules {
  const defaults = policies.defaults ? policyFrom(policies.defaults) : ownPolicy;
  let said: readonly BreakerRule[] = policies.settings.map(ruleOf);
  let rules = new BreakerRules(said, defaults);
  for (const { source, target, pattern } of forcedAlone(policies)) {
    const { policy, id } = rules.decide(rules.of(source, target), pattern);
    const more = [...said, { source, target, pattern, policy, ...(id !== undefined && { id }) }];
    const made = ifSensible(more, defaults);
    if (made) [said, rules] = [more, made];
  }
  return rules;
}

/** Endpoints for which something is forced have a breaker also without settings: it could not be forced otherwise. */
function forcedAlone({ settings, orders }: Policies): readonly BreakerKey[] {
  const ruled = new Set(settings.map(({ breaker_id }) => breaker_id));
  return orders
    .filter(({ until, breaker_id }) => until !== undefined && !ruled.has(breaker_id))
    .filter(({ endpoint_pattern }) => endpoint_pattern !== ANY)
    .map((said) => ({
      source: said.service_name,
      target: said.target_service,
      pattern: said.endpoint_pattern,
    }));
}

/** Of a breaker that was reported nobody has checked what its pattern means. */
function ifSensible(rules: readonly BreakerRule[], defaults: BreakerPolicy) {
  try {
    return new BreakerRules(rules, defaults);
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault;
    return undefined;
  }
}

const ruleOf = (said: Policies['settings'][number]): BreakerRule => ({
  source: said.service_name,
  target: said.target_service,
  pattern: said.endpoint_pattern,
  policy: policyFrom(said),
  id: said.breaker_id,
});

const KINDS = {
  reset: 'reset',
  release: 'release',
  forced_open: 'forced-open',
  forced_closed: 'forced-closed',
  metrics_only: 'metrics-only',
} as const;

/**
 * In the order in which they were given.
 *
 * @param now When they were answered, by the breakers' clock and by the calendar here.
 */
export const ordersFrom = ({ orders }: Policies, now: Now): readonly BreakerOrder[] =>
  orders.map((said) => ({
    breakerId: said.breaker_id,
    target: said.target_service,
    pattern: said.endpoint_pattern,
    orderNo: said.order_no,
    kind: KINDS[said.kind],
    reason: said.reason,
    ...(said.until !== undefined && { untilMs: now.nowMs + leftMsOf(said, said.until, now) }),
  }));

/** The calendar here may differ from that of whoever answered, who says what is left for that. */
const leftMsOf = ({ seconds_left }: Order, until: string, { calendarMs }: Now): number =>
  seconds_left === undefined ? epochMs(until as Instant) - calendarMs : seconds_left * 1_000;

/** The same as long as nothing but time has passed. */
export const textOf = ({ orders, ...policies }: Policies): string =>
  JSON.stringify({ ...policies, orders: orders.map(({ seconds_left: _, ...order }) => order) });
