import { BreakerReporter, REPORT_EVERY_MS, type HeldBreakers } from '@downbeat/breakers';
import { healthContract } from '@downbeat/contracts';
import type { NatsLink } from '../../nats/nats-link';
import { commandSuite } from '../../nats/suite-requests';
import { Turns } from '../../turns';

const { reportBreakers } = healthContract;

/** A stop waits for the report under way. */
const OUTCOME_TIMEOUT_MS_MAX = 2_000;

/** Tells the health context what the breakers of this process do, whenever it listens again. */
export class BreakerTelling {
  private readonly reporter: BreakerReporter;
  private readonly turns: Turns;

  constructor(
    breakers: HeldBreakers,
    holder: string,
    link: NatsLink,
    onDefect: (defect: unknown) => void,
  ) {
    const ids = { subjectId: holder, actor: breakers.source };
    this.reporter = new BreakerReporter(breakers, holder, {
      now: () => breakers.now(),
      send: async (report, commandId, timeoutMs) => {
        const as = { ...ids, commandId };
        const waitMs = Math.min(timeoutMs, OUTCOME_TIMEOUT_MS_MAX);
        const outcome = await commandSuite(link, reportBreakers, as, report, waitMs);
        if (outcome.kind === 'said') return 'taken';
        if (outcome.kind === 'unheard' || outcome.isPassing) return 'unheard';
        onDefect(new Error(`the suite refused a report of breakers: ${outcome.code}`));
        return 'refused';
      },
    });
    const work = async () => ((await this.reporter.turn()) ? 0 : undefined);
    this.turns = new Turns(REPORT_EVERY_MS, work, onDefect);
  }

  start(): void {
    this.turns.start();
  }

  /** Says goodbye, unless nobody listens. */
  async stop(): Promise<void> {
    await this.turns.stop();
    await this.reporter.leave();
  }
}
