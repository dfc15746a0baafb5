import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import {
  alert,
  alertRule,
  alertRuleStream,
  alertStream,
  builtInRules,
  silence,
  silenceStream,
} from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { carryOut, commandOf, derivedId, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { alertsProjection } from '../read-model/alerts.projection';

const { startSilence } = observabilityContract;

export class PutAlertRule extends commandOf(observabilityContract.putAlertRule) {}
export class RemoveAlertRule extends commandOf(observabilityContract.removeAlertRule) {}
export class AcknowledgeAlert extends commandOf(observabilityContract.acknowledgeAlert) {}
export class StartSilence extends commandOf(startSilence) {}
export class EndSilence extends commandOf(observabilityContract.endSilence) {}

const RULES_MAX = 450;

@CommandHandler(PutAlertRule)
export class PutAlertRuleHandler implements ICommandHandler<PutAlertRule> {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
  ) {}

  async execute({ data: { rule_id, expected_version, ...definition }, at, cause }: PutAlertRule) {
    const isNew = !Object.hasOwn(builtInRules, rule_id);
    if (isNew && (await this.others(rule_id)) >= RULES_MAX) {
      const message = `no more than ${RULES_MAX} rules can be kept beside those that are built in`;
      return refused(new Rejection('too-many-alert-rules', message));
    }
    const data = { rule_id, definition, expected_version };
    const command = { type: 'PutAlertRule', data, at } as const;
    const stream = alertRuleStream(rule_id);
    return carryOut(this.store, alertRule, stream, command, cause, ({ version }) => ({
      rule_id,
      version,
    }));
  }

  private async others(ruleId: string): Promise<number> {
    const { data } = await this.readModels.ask(alertsProjection, {}, (manager) =>
      manager.query<{ count: number }[]>(
        `select count(*)::int as count from alert_rule
         where rule_id <> $1 and definition is not null`,
        [ruleId],
      ),
    );
    return data[0]?.count ?? 0;
  }
}

@CommandHandler(RemoveAlertRule)
export class RemoveAlertRuleHandler implements ICommandHandler<RemoveAlertRule> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: RemoveAlertRule) {
    const { rule_id } = data;
    const command = { type: 'RemoveAlertRule', data, at } as const;
    const stream = alertRuleStream(rule_id);
    return carryOut(this.store, alertRule, stream, command, cause, ({ version }) => ({
      rule_id,
      version,
    }));
  }
}

@CommandHandler(AcknowledgeAlert)
export class AcknowledgeAlertHandler implements ICommandHandler<AcknowledgeAlert> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: AcknowledgeAlert) {
    const { alert_id } = data;
    const command = { type: 'AcknowledgeAlert', data, at } as const;
    return carryOut(this.store, alert, alertStream(alert_id), command, cause, ({ episode }) => ({
      alert_id,
      episode,
    }));
  }
}

@CommandHandler(StartSilence)
export class StartSilenceHandler implements ICommandHandler<StartSilence> {
  constructor(private readonly store: EventStore) {}

  async execute({ data, at, cause }: StartSilence) {
    const { silence_id: given, minutes, reason, ...matchers } = data;
    const silence_id = derivedId(startSilence, matchers);
    // One for each thing that can be silent: under another id it would be a second one.
    if (given !== silence_id) return refused(wrongId(silence_id));
    const command = {
      type: 'StartSilence',
      data: { silence_id, matchers, minutes, reason },
      at,
    } as const;
    const stream = silenceStream(silence_id);
    return carryOut(this.store, silence, stream, command, cause, ({ endsAt: ends_at }) => ({
      silence_id,
      ends_at,
    }));
  }
}

const wrongId = (id: string): Rejection => {
  const message = `must be ${id} for what is said`;
  const errors = [{ field: 'silence_id', message }];
  return new Rejection('invalid-input', `silence_id ${message}`, 'invalid', errors);
};

@CommandHandler(EndSilence)
export class EndSilenceHandler implements ICommandHandler<EndSilence> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: EndSilence) {
    const { silence_id } = data;
    const command = { type: 'EndSilence', data, at } as const;
    return carryOut(this.store, silence, silenceStream(silence_id), command, cause, () => ({
      silence_id,
    }));
  }
}
