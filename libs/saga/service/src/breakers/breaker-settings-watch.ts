import { BreakerFollower, type Policies } from '@downbeat/breakers';
import { healthContract, querySubject } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import { Admission } from '../admission/admission';
import { HintedReading, type AsOf } from '../projections/hinted-reading';

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
  private readonly follower: BreakerFollower;

  constructor(
    private readonly admission: Admission,
    private readonly bus: MessageBus,
  ) {
    this.follower = new BreakerFollower(admission.breakers, (err) =>
      this.logger.error({ err }, 'settings of breakers cannot be followed'),
    );
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
    const question = { input: { service_name: this.admission.breakers.source }, ...as };
    try {
      const outcome = await this.bus.query(subject, question, { timeoutMs: ASK_TIMEOUT_MS });
      if (!outcome.ok) return;
      const { position, data } = outcome;
      if (this.follower.take({ position, policies: data as Policies })) this.admission.lookAgain();
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.logger.debug({ err: fault }, 'the health context does not say what breakers are to do');
    }
  }
}
