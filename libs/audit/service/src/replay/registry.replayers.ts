import { fold, Rejection, type Command, type Decider, type Instant } from '@downbeat/eventsourcing';
import {
  dependencyGraph,
  endingOf,
  instanceRegistration,
  serviceRegistration,
  type Begun,
  type DeclareDependencies,
  type DependenciesDeclared,
  type Instance,
  type InstanceCommand,
  type InstanceEvent,
  type InstanceTerminating,
  type Registration,
  type RegistrationCommand,
  type Registering,
  type RegistrationEvent,
} from '@downbeat/registry-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'registry';

export const serviceReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(serviceRules, ([event], _, at) => event && serviceCause(event, at)),
};

/** As it was taken, or told from the events, before versions that were set were told apart. */
type ChangeService = Command<
  'ChangeService',
  Extract<RegistrationCommand, { type: 'UpdateService' }>['data']
>;

/** The rules of now, and what was decided otherwise once. */
const serviceRules: Decider<Registration, RegistrationCommand | ChangeService, RegistrationEvent> =
  {
    ...serviceRegistration,
    decide(command, state) {
      if (command.type !== 'ChangeService') return serviceRegistration.decide(command, state);
      const now = serviceRegistration.decide({ ...command, type: 'UpdateService' }, state);
      return now instanceof Rejection ? now : now.map(unmarked);
    },
  };

function unmarked(event: RegistrationEvent): RegistrationEvent {
  if (event.type !== 'ServiceChanged') return event;
  const { is_version_set: _, ...data } = event.data;
  return { type: 'ServiceChanged', data };
}

export const instanceReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(instanceRules, (events, before, at) => instanceCause(events, before, at)),
};

/** As it was taken before anything of an instance could be adjusted: whoever said anything else began anew. */
type BeginAnew = Command<'BeginAnew', Registering & Begun>;
type ToldCommand = InstanceCommand | BeginAnew;

/** The rules of now, and what was decided otherwise once. */
const instanceRules: Decider<Instance, ToldCommand, InstanceEvent> = {
  ...instanceRegistration,
  decide(command, state) {
    if (command.type !== 'BeginAnew') return instanceRegistration.decide(command, state);
    const { data, at } = command;
    const now = instanceRegistration.decide({ type: 'RegisterInstance', data, at }, state);
    const isAdjusted = !(now instanceof Rejection) && now[0]?.type === 'InstanceAdjusted';
    return isAdjusted ? [{ type: 'InstanceRegistered', data }] : now;
  },
};

export const dependenciesReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(dependencyGraph, ([event], _, at) => event && dependenciesCause(event, at)),
};

/** What is declared is a command that leaves nothing out. */
function dependenciesCause({ data }: DependenciesDeclared, at: Instant): DeclareDependencies {
  const { service_name, dependencies } = data;
  return {
    type: 'DeclareDependencies',
    data: { service_name, dependencies: [...dependencies] },
    at,
  };
}

function serviceCause(event: RegistrationEvent, at: Instant): RegistrationCommand | ChangeService {
  switch (event.type) {
    case 'ServiceRegistered': {
      const { rolled_back_from: abandoned_version, ...data } = event.data;
      return { type: 'RegisterService', data: { ...data, abandoned_version }, at };
    }
    case 'ServiceChanged': {
      const { is_version_set, ...data } = event.data;
      return { type: is_version_set ? 'UpdateService' : 'ChangeService', data, at };
    }
    case 'ServiceRetired':
      return { type: 'RetireService', data: event.data, at };
  }
}

function instanceCause(
  events: readonly InstanceEvent[],
  before: Instance,
  at: Instant,
): ToldCommand | undefined {
  const [event] = events;
  if (!event) return undefined;
  switch (event.type) {
    case 'InstanceRegistered': {
      const data = { ...event.data, ...begunBy(events) };
      return { type: events.length === 1 ? 'BeginAnew' : 'RegisterInstance', data, at };
    }
    case 'InstanceAdjusted':
    case 'InstanceSessionMoved': {
      const after = fold(instanceRegistration, events, before);
      if (after.status === 'absent') return undefined;
      return { type: 'RegisterInstance', data: { ...after.registered, ...begunBy(events) }, at };
    }
    case 'InstanceLifecycleAnnounced':
      return { type: 'AnnounceLifecycle', data: event.data, at };
    // Held back for changing too often: the second event of an append that begins with this one.
    case 'InstanceHealthObserved':
      return { type: 'ObserveHealth', data: event.data, at };
    case 'InstanceSuppressed':
      return undefined;
    case 'InstanceReleased':
      return { type: 'ReleaseInstance', data: event.data, at };
    case 'InstanceTerminating':
      return terminatingCause(event, before, at);
    case 'InstanceRemoved':
      return { type: 'RemoveInstance', data: event.data, at };
  }
}

/** How far it has come, when that was said together with the registration. */
function begunBy(events: readonly InstanceEvent[]): Begun {
  const announced = events.find((event) => event.type === 'InstanceLifecycleAnnounced');
  const { lifecycle, detail: lifecycle_detail } = announced?.data ?? {};
  return { lifecycle: lifecycle as Begun['lifecycle'], lifecycle_detail };
}

function terminatingCause(
  { data }: InstanceTerminating,
  before: Instance,
  at: Instant,
): InstanceCommand | undefined {
  switch (data.ending ?? endingOf(data.reason)) {
    case 'deregistered':
      return { type: 'DeregisterInstance', data, at };
    case 'heartbeat-expired':
      return { type: 'ExpireInstance', data: { ...data, silent_for_ms: 0 }, at };
    case 'session-closed': {
      const session = before.status === 'absent' ? undefined : before.registered.session;
      return session && { type: 'CloseSession', data: { ...data, session }, at };
    }
    case 'never-healthy':
      return { type: 'GiveUpInstance', data: { ...data, unusable_for_ms: 0 }, at };
  }
}
