import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { ObservabilityModule } from '@downbeat/observability-service';
import { TestBench } from '@downbeat/test-bench';
import { WebhookTarget } from './webhook-target';

type Contracts = typeof observabilityContract;
export type List = AnswerOf<Contracts['listAlerts']>;
export type Details = AnswerOf<Contracts['getAlert']>;
export type Shown = List['alerts'][number];

export const SECRET = 'nobody knows it';

/** Two replicas that evaluate, what they measure as the test says, and somebody who is told. */
export class AlertBench {
  /** By service: how many of its instances are healthy. */
  readonly services = new Map<string, 'healthy' | 'unhealthy'>();
  private readonly needs: { source: string; target: string }[] = [];

  private constructor(
    readonly bench: TestBench,
    readonly target: WebhookTarget,
  ) {
    const answers: Readonly<Record<string, () => JsonObject>> = {
      'query.health.system-health': () => ({ components: this.components() }),
      'query.health.list-circuit-breakers': () => ({ circuit_breakers: [] }),
      'query.registry.dependency-graph': () => ({
        dependencies: this.needs.map((need) => ({ ...need, is_critical: true })),
      }),
    };
    for (const [subject, answer] of Object.entries(answers))
      bench.bus.answer(subject, () => Promise.resolve({ ok: true, position: 0, data: answer() }));
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<AlertBench> {
    const target = await WebhookTarget.open();
    const bench = await TestBench.start({
      services: [
        { name: 'health', module: ObservabilityModule },
        { name: 'other', module: ObservabilityModule },
      ],
      environment: {
        ALERTS_EVERY_MS: '100',
        ALERTS_PROCESSES: '',
        ALERTS_SECRET_TEST: SECRET,
        ...environment,
      },
    });
    return new AlertBench(bench, target);
  }

  /** A rule about one service, that fires at once when it is down. */
  async rule(rule_id: string, service: string, more: JsonObject = {}): Promise<void> {
    await this.say('PutAlertRule', rule_id, {
      summary: 'It is down',
      condition: {
        metric: 'service_down',
        comparison: 'at_least',
        threshold: 1,
        service_name: service,
      },
      for_seconds: 0,
      severity: 'critical',
      runbook: 'docs/alerts.md#service-down',
      ...more,
    });
  }

  async receiver(receiver_id: string, ruleId: string, more: JsonObject = {}): Promise<void> {
    await this.say('PutAlertReceiver', receiver_id, {
      url: `${this.target.url}/${receiver_id}`,
      secret: { $secret: { ref: 'env:ALERTS_SECRET_TEST' } },
      rule_ids: [ruleId],
      ...more,
    });
  }

  say(command: string, id: string, body: JsonObject): Promise<number> {
    return this.bench.accepted(`command.observability.${command}.${id}`, body);
  }

  needsCritically(source: string, target: string): void {
    this.needs.push({ source, target });
  }

  list(input: JsonObject = {}, as?: JsonObject): Promise<List> {
    return this.bench.answer<List>('query.observability.list-alerts', input, as);
  }

  get(alert_id: string, as?: JsonObject): Promise<Details> {
    return this.bench.answer<Details>('query.observability.get-alert', { alert_id }, as);
  }

  /** Waits until the only alert of a rule is in this state. */
  async until(rule_id: string, state: Shown['state']): Promise<Shown> {
    const { alerts } = await this.bench.eventually(
      () => this.list({ rule_id }),
      ({ alerts: [first] }) => first?.state === state,
    );
    const [alert] = alerts;
    if (!alert) throw new Error(`${rule_id} has no alert`);
    return alert;
  }

  /** What the log says of an alert. */
  async types(alertId: string): Promise<readonly string[]> {
    return (await this.bench.events(`alert-${alertId}`)).map(({ type }) => type);
  }

  async stop(): Promise<void> {
    await this.bench.stop();
    await this.target.close();
  }

  private components(): JsonObject {
    return Object.fromEntries(
      [...this.services].map(([name, status]) => [
        name,
        {
          status,
          is_critical: false,
          healthy_instances: status === 'healthy' ? 1 : 0,
          unhealthy_instances: status === 'healthy' ? 0 : 1,
          starting_instances: 0,
        },
      ]),
    );
  }
}
