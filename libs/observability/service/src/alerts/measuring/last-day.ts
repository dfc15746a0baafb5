import { healthContract, sagaContract, type AnswerOf } from '@downbeat/contracts';
import { epochMs, Fault, instantOf, type Instant } from '@downbeat/eventsourcing';
import { isAbout, type AlertRule } from '@downbeat/observability-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable } from '@nestjs/common';
import { ask } from './asking';
import { breakerName } from './breaker-samples';

const DAY_MS = 86_400_000;
const PAGE = 200;
const BREAKERS_MAX = 20;

export interface Times {
  readonly is_known: boolean;
  readonly times?: number;
  readonly explanation: string;
}

const unknown = (explanation: string): Times => ({ is_known: false, explanation });

/** How often a condition would have held in the 24 hours before, where the log has what it is about. */
@Injectable()
export class LastDay {
  constructor(private readonly bus: MessageBus) {}

  async of(rule: AlertRule, at: Instant): Promise<Times> {
    const from = instantOf(epochMs(at) - DAY_MS);
    const { metric } = rule.condition;
    try {
      if (metric === 'breaker_open_seconds') return await this.openings(rule, from, at);
      if (metric === 'incidents_open' || metric === 'incident_age_seconds')
        return await this.incidents(rule, from);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return unknown(`nobody could say: ${fault.message}`);
    }
    return unknown(`${metric} is measured and not kept: only alerts that fired are in the log`);
  }

  private async openings(rule: AlertRule, from: Instant, at: Instant): Promise<Times> {
    const { circuit_breakers } = await ask(this.bus, healthContract.listCircuitBreakers, {
      limit: PAGE,
    });
    const about = circuit_breakers.filter((one) =>
      isAbout(rule.condition, {
        metric: 'breaker_open_seconds',
        subject: breakerName(one),
        service_name: one.target_service,
        value: 0,
      }),
    );
    if (about.length > BREAKERS_MAX)
      return unknown(`it is about ${about.length} breakers; name a service to know`);
    const histories = await Promise.all(
      about.map(({ id }) =>
        ask(this.bus, healthContract.circuitBreakerMetrics, { breaker_id: id }),
      ),
    );
    const longMs = (rule.condition.threshold + rule.for_seconds) * 1_000;
    const times = histories
      .flatMap(({ state_history }) => outages(state_history, at))
      .filter(({ sinceMs, endMs }) => endMs >= epochMs(from) && endMs - sinceMs > longMs).length;
    const explanation = 'outages of its breakers that lasted for so long, as their holders told';
    return { is_known: true, times, explanation };
  }

  private async incidents({ condition }: AlertRule, from: Instant): Promise<Times> {
    const { incidents } = await ask(this.bus, sagaContract.listIncidents, { limit: PAGE });
    const { subject } = condition;
    const recent = incidents.filter(
      ({ opened_at, id, workflow_name }) =>
        opened_at >= from && (subject === undefined || subject === id || subject === workflow_name),
    );
    const isAll = incidents.length < PAGE || recent.length < incidents.length;
    const said = 'incidents that were opened, however long each was open';
    const explanation = isAll ? said : `${said}; there were more than ${PAGE}`;
    return { is_known: isAll, times: recent.length, explanation };
  }
}

type Transition = AnswerOf<typeof healthContract.circuitBreakerMetrics>['state_history'][number];

/** Of each holder: from leaving `closed` until it was closed again, or until now. */
export function outages(
  history: readonly Pick<Transition, 'holder' | 'timestamp' | 'to_state'>[],
  at: Instant,
): readonly { readonly sinceMs: number; readonly endMs: number }[] {
  const open = new Map<string, number>();
  const ended: { readonly sinceMs: number; readonly endMs: number }[] = [];
  for (const { holder, timestamp, to_state } of history) {
    const atMs = Date.parse(timestamp);
    const sinceMs = open.get(holder);
    if (to_state !== 'closed') open.set(holder, sinceMs ?? atMs);
    else if (sinceMs !== undefined) {
      ended.push({ sinceMs, endMs: atMs });
      open.delete(holder);
    }
  }
  const now = epochMs(at);
  return [...ended, ...[...open.values()].map((sinceMs) => ({ sinceMs, endMs: now }))];
}
