import { healthContract, querySubject, type AnswerOf } from '@downbeat/contracts';
import { epochMs, Fault, type Instant } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { BreakerRules, policyFrom, type BreakerRule } from '@downbeat/resilience';
import { Injectable, Logger } from '@nestjs/common';
import { Admission } from '../admission/admission';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import type { BreakerOrder } from './breaker-orders';
import { BREAKER_SOURCE } from './held-breakers';

type Policies = AnswerOf<typeof healthContract.breakerPolicies>;

const ASK_EVERY_MS = 5_000;
const ASK_TIMEOUT_MS = 2_000;

/**
 * Keeps the breakers of this process true to what people say of them. The health context hints at
 * a change; a lost hint costs five seconds. While it does not answer, what was said last goes on.
 */
@Injectable()
export class BreakerSettingsWatch {
  private readonly logger = new Logger(BreakerSettingsWatch.name);
  private readonly reading: HintedReading;
  private position = -1;
  private followed = '';

  constructor(
    private readonly admission: Admission,
    private readonly bus: MessageBus,
  ) {
    this.reading = new HintedReading(
      'asking what breakers are to do',
      ASK_EVERY_MS,
      bus,
      healthContract.BREAKER_HINT,
      (as) => this.read(as),
    );
  }

  start(): void {
    this.reading.start();
  }

  async stop(): Promise<void> {
    await this.reading.stop();
  }

  private async read(as: AsOf): Promise<void> {
    const subject = querySubject(healthContract.breakerPolicies);
    const question = { input: { service_name: BREAKER_SOURCE }, ...as };
    try {
      const outcome = await this.bus.query(subject, question, { timeoutMs: ASK_TIMEOUT_MS });
      // A replica that lags behind may have answered.
      if (outcome.ok && outcome.position >= this.position) {
        this.position = outcome.position;
        this.follow(outcome.data as Policies);
      }
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.logger.debug({ err: fault }, 'the health context does not say what breakers are to do');
    }
  }

  private follow(policies: Policies): void {
    const said = JSON.stringify(policies);
    if (said === this.followed) return;
    const { ownPolicy } = this.admission.breakers;
    const defaults = policies.defaults ? policyFrom(policies.defaults) : ownPolicy;
    try {
      const rules = new BreakerRules(policies.settings.map(ruleOf), defaults);
      this.admission.followBreakers(rules, policies.orders.filter(isOurs).map(orderOf));
      this.followed = said;
    } catch (fault) {
      // Settings of a newer release: those of before go on.
      if (!(fault instanceof RangeError)) throw fault;
      this.logger.error({ err: fault }, 'settings of breakers cannot be followed');
    }
  }
}

const ruleOf = (said: Policies['settings'][number]): BreakerRule => ({
  source: said.service_name,
  target: said.target_service,
  pattern: said.endpoint_pattern,
  policy: policyFrom(said),
  id: said.breaker_id,
});

/** The breakers here are of whole services. */
const isOurs = ({ endpoint_pattern }: Policies['orders'][number]): boolean =>
  endpoint_pattern === '*';

const KINDS = {
  reset: 'reset',
  release: 'release',
  forced_open: 'forced-open',
  forced_closed: 'forced-closed',
  metrics_only: 'metrics-only',
} as const;

const orderOf = (said: Policies['orders'][number]): BreakerOrder => ({
  breakerId: said.breaker_id,
  target: said.target_service,
  orderNo: said.order_no,
  kind: KINDS[said.kind],
  reason: said.reason,
  ...(said.until !== undefined && { untilMs: epochMs(said.until as Instant) }),
});
