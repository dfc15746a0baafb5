import type { Instant } from '@downbeat/eventsourcing';
import {
  instanceCheck,
  serviceCheck,
  serviceNeeds,
  type CheckCommand,
  type CheckEvent,
  type ServiceCheckCommand,
  type ServiceCheckEvent,
} from '@downbeat/health-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'health';

export const checkReplayer: Replayer = {
  context,
  begin: () => new DeciderReplay(instanceCheck, ([event], _, at) => event && causeOf(event, at)),
};

export const serviceCheckReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(serviceCheck, ([event], _, at) => event && serviceCauseOf(event, at)),
};

export const needsReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(
      serviceNeeds,
      ([event], _, at) => event && { type: 'ChangeNeeds' as const, data: event.data, at },
    ),
};

function serviceCauseOf(event: ServiceCheckEvent, at: Instant): ServiceCheckCommand {
  switch (event.type) {
    case 'ServiceCheckChanged':
      return { type: 'ChangeServiceCheck', data: event.data, at };
    case 'ServiceForgotten':
      return { type: 'ForgetService', data: event.data, at };
  }
}

function causeOf(event: CheckEvent, at: Instant): CheckCommand {
  switch (event.type) {
    case 'CheckStarted':
      return { type: 'StartChecking', data: event.data, at };
    case 'StartupPassed':
      return { type: 'PassStartup', data: event.data, at };
    case 'HealthChanged':
      return { type: 'CrossThreshold', data: event.data, at };
    case 'CheckStopped':
      return { type: 'StopChecking', data: event.data, at };
    case 'InstanceForgotten':
      return { type: 'ForgetInstance', data: event.data, at };
  }
}
