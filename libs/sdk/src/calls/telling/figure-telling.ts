import { CallReporter, CALLS_TURN_MS, type CallReport } from '@downbeat/breakers';
import { observabilityContract } from '@downbeat/contracts';
import type { NatsLink } from '../../nats/nats-link';
import { commandSuite } from '../../nats/suite-requests';
import { Turns } from '../../turns';
import type { OnEndedCall } from '../observed-transport';

const { recordCalls } = observabilityContract;

export interface FigureTellingPorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly onDefect: (defect: unknown) => void;
}

/** Tells the observability context whom this process called, how often, and how that went. */
export class FigureTelling {
  private readonly turns: Turns;
  private readonly reporter: CallReporter;
  readonly ended: OnEndedCall = (call) => this.reporter.ended(call);

  /** @param source The service that calls. */
  constructor(
    private readonly source: string,
    holder: string,
    private readonly link: NatsLink,
    private readonly ports: FigureTellingPorts,
  ) {
    this.reporter = new CallReporter(source, holder, {
      now: ports.now,
      calendar: Date.now,
      send: (report, timeoutMs) => this.send(report, timeoutMs),
    });
    this.turns = new Turns(CALLS_TURN_MS, () => this.reporter.turn(), ports.onDefect);
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
    await this.reporter.leave();
  }

  private async send(report: CallReport, timeoutMs: number) {
    const { report_id: id } = report;
    const ids = { subjectId: id, commandId: id, actor: this.source };
    const outcome = await commandSuite(this.link, recordCalls, ids, report, timeoutMs);
    if (outcome.kind === 'said') return 'taken';
    if (outcome.kind === 'unheard' || outcome.isPassing) return 'unheard';
    this.ports.onDefect(new Error(`the suite refused figures of calls: ${outcome.message}`));
    return 'refused';
  }
}
