import type { Instant } from '@downbeat/eventsourcing';
import {
  configurationHistory,
  configurationHolder,
  type AcknowledgeConfiguration,
  type ConfigurationAcknowledged,
  type ConfigurationCommand,
  type ConfigurationEvent,
} from '@downbeat/registry-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'registry';

export const configurationReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(configurationHistory, ([event], _, at) => event && causeOf(event, at)),
};

export const configurationHolderReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(configurationHolder, ([event], _, at) => event && holderCause(event, at)),
};

function causeOf(event: ConfigurationEvent, at: Instant): ConfigurationCommand {
  switch (event.type) {
    case 'ConfigurationCreated':
      return { type: 'CreateConfiguration', data: event.data, at };
    case 'ConfigurationActivated': {
      const { service_id, environment, config_version, gate, reason, activated_by } = event.data;
      const data = { service_id, environment, config_version, gate, reason, activated_by };
      return event.data.is_rollback
        ? { type: 'RollbackConfiguration', data, at }
        : { type: 'ActivateConfiguration', data, at };
    }
    case 'ActivationConfirmed': {
      const { service_id, environment, activation, evidence } = event.data;
      return {
        type: 'ConfirmActivation',
        data: { service_id, environment, activation, evidence },
        at,
      };
    }
    case 'ActivationReverted': {
      const { service_id, environment, activation, because, evidence } = event.data;
      const data = { service_id, environment, activation, because, evidence };
      return { type: 'RevertActivation', data, at };
    }
  }
}

const holderCause = (
  { data }: ConfigurationAcknowledged,
  at: Instant,
): AcknowledgeConfiguration => ({ type: 'AcknowledgeConfiguration', data, at });
