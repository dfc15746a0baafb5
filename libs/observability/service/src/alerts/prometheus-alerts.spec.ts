import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInRules, type AlertRuleDefinition } from '@downbeat/observability-domain';
import { parse } from 'yaml';

const ROOT = join(__dirname, '..', '..', '..', '..', '..');
const yaml = (path: string): unknown =>
  parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true, maxAliasCount: -1 });

interface PrometheusAlert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
}
const { groups } = yaml('deploy/observability/alerts.yml') as {
  readonly groups: readonly { readonly rules: readonly PrometheusAlert[] }[];
};
const alerts = new Map(groups.flatMap(({ rules }) => rules.map((one) => [one.alert, one])));

/** What people are told: the smallest number that is too much, after how many seconds, and how bad it is. */
interface Said {
  readonly from: number;
  readonly seconds: number;
  readonly severity: string;
}

function saidBy({ condition, for_seconds, severity }: AlertRuleDefinition): Said {
  const { metric, comparison, threshold } = condition;
  // An age is a wait.
  if (metric.endsWith('_seconds')) return { from: 1, seconds: threshold + for_seconds, severity };
  return {
    from: comparison === 'above' ? threshold + 1 : threshold,
    seconds: for_seconds,
    severity,
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60 };

function saidToPrometheus({ expr, for: wait, labels }: PrometheusAlert): Said {
  const [, comparison, threshold] = /(>=?) ([\de.]+)$/.exec(expr.split('\nor ')[0] ?? '') ?? [];
  const [, count, unit = ''] = /^(\d+)([sm])$/.exec(wait) ?? [];
  return {
    from: Number(threshold) + (comparison === '>' ? 1 : 0),
    seconds: Number(count) * (SECONDS[unit] ?? NaN),
    severity: labels.severity,
  };
}

const definitionOf = (ruleId: string): AlertRuleDefinition => {
  const definition = builtInRules[ruleId];
  if (!definition) throw new Error(`no rule ${ruleId} is built in`);
  return definition;
};

describe('a rule that Prometheus has too', () => {
  it.each([
    ['process-memory', 'DownbeatMemoryHigh'],
    ['bus-disconnects', 'DownbeatDisconnects'],
    ['bus-gave-up', 'DownbeatServerGaveUp'],
    ['projection-behind', 'DownbeatProjectionLagging'],
    ['projection-parked', 'DownbeatStreamsParked'],
    ['relay-finds', 'DownbeatBusLosses'],
    ['publications-owed', 'DownbeatPublicationsOwed'],
    ['dead-letters', 'DownbeatDeadLetters'],
    ['incident-open', 'DownbeatOpenIncidents'],
    ['breaker-open', 'DownbeatBreakersOpen'],
  ])('%s says what %s says', (ruleId, name) => {
    const alert = alerts.get(name);
    expect(alert && saidToPrometheus(alert)).toEqual(saidBy(definitionOf(ruleId)));
  });
});

it('warns of memory before a container has no more', () => {
  const { services } = yaml('docker-compose.yml') as {
    readonly services: Readonly<Record<string, { readonly mem_limit?: string }>>;
  };
  const { threshold } = definitionOf('process-memory').condition;
  for (const app of ['registry', 'health', 'saga', 'orchestrator', 'gateway']) {
    const [, mebibytes] = /^(\d+)m$/.exec(services[app]?.mem_limit ?? '') ?? [];
    expect(threshold).toBeLessThan(Number(mebibytes) * 2 ** 20 * 0.9);
  }
});
