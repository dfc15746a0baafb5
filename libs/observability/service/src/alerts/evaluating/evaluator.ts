import { execute, EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type Position } from '@downbeat/eventsourcing';
import {
  alert,
  alertStream,
  builtInRules,
  evaluate,
  noHistory,
  remembered,
  type AlertCommand,
  type AlertRule,
  type History,
  type Pending,
} from '@downbeat/observability-domain';
import { Clock, HostSettings, loadConfig, newId, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { alertIdOf } from '../alert-id';
import { alertsConfig } from '../alerts-config';
import { Measurements } from '../measuring/measurements';
import { KnownAlerts } from './known-alerts';
import { PendingAlerts } from './pending-alerts';

/**
 * Measures, decides and records, again and again. Two that do so at once, or one that died in between, do no
 * harm: each alert takes a beginning and an end once.
 */
@Injectable()
export class Evaluator {
  private history: History = noHistory;
  private pending: readonly Pending[] | undefined;
  /** What was recorded here is read afterwards. */
  private position: Position = 0;
  private onRecorded: () => void = () => undefined;
  private readonly periodic: Periodic;

  constructor(
    private readonly measurements: Measurements,
    private readonly known: KnownAlerts,
    private readonly waiting: PendingAlerts,
    private readonly store: EventStore,
    private readonly clock: Clock,
    { environment }: HostSettings,
  ) {
    const { ALERTS_EVERY_MS } = loadConfig(alertsConfig, environment);
    this.periodic = new Periodic('evaluating alerts', ALERTS_EVERY_MS, () => this.look());
  }

  /** @param onRecorded Called when something was: somebody may have to be told. */
  start(onRecorded: () => void): void {
    this.onRecorded = onRecorded;
    this.history = noHistory;
    this.pending = undefined;
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  private async look(): Promise<void> {
    if (this.pending === undefined) {
      this.position = Math.max(this.position, await this.known.head());
      this.pending = await this.waiting.read();
    }
    const measured = await this.measurements.measure();
    const said = await this.known.read(this.position);
    const position = await this.known.head();
    const nowMs = this.clock.now();
    this.history = remembered(this.history, measured, nowMs, growing(said.rules));
    const moment = { at: instantOf(nowMs), position, idOf: alertIdOf };
    const { commands, pending } = evaluate(
      { ...said, pending: this.pending },
      measured,
      this.history,
      moment,
    );
    this.pending = pending;
    await this.waiting.keep(pending);
    for (const command of commands) await this.record(command);
    if (commands.length > 0) this.onRecorded();
  }

  private async record(command: AlertCommand): Promise<void> {
    const { alert_id } = command.data;
    const meta = { correlation_id: alert_id, causation_id: newId(), actor: 'alerts' };
    const result = await execute(this.store, alert, alertStream(alert_id), command, { meta });
    if (result instanceof Rejection) throw new RangeError(result.message);
    this.position = Math.max(this.position, result.position);
  }
}

/** Only of what a rule looks back at, or one that is built in does, is anything remembered. */
function growing(rules: readonly AlertRule[]) {
  const metrics = new Set(
    [...rules, ...Object.values(builtInRules)]
      .filter(({ condition }) => condition.growth_over_seconds !== undefined)
      .map(({ condition }) => condition.metric),
  );
  return (metric: AlertRule['condition']['metric']): boolean => metrics.has(metric);
}
