import type { DataOf, registryContract } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Check = DataOf<typeof registryContract.instanceRegistered>['check'];
type Registered = DataOf<typeof registryContract.registerInstance>;
type Registering = Registered & { readonly check: Check };
type Named = { readonly service_id: string; readonly instance_id: string };
type Observed = Named & {
  readonly status: 'healthy' | 'unhealthy';
  readonly failures: number;
  readonly detail: string;
  readonly checked_at: string;
};

export type InstanceCommand =
  | Command<'RegisterInstance', Registering>
  | Command<'ObserveHealth', Observed>
  | Command<'DeregisterInstance', Named & { readonly reason?: string | undefined }>
  /** Sent by the registry itself when heartbeats stay away. */
  | Command<'ExpireInstance', Named & { readonly silent_for_ms: number }>
  /** Sent by the registry itself some time after it began to terminate. */
  | Command<'RemoveInstance', Named>;

export type InstanceRegistered = Message<'InstanceRegistered', Registering>;
export type InstanceHealthObserved = Message<'InstanceHealthObserved', Observed>;
export type InstanceTerminating = Message<
  'InstanceTerminating',
  Named & { readonly reason: string }
>;
export type InstanceRemoved = Message<'InstanceRemoved', Named>;
export type InstanceEvent =
  InstanceRegistered | InstanceHealthObserved | InstanceTerminating | InstanceRemoved;

export type Instance =
  | { readonly status: 'absent' }
  | {
      readonly status: 'starting' | 'healthy' | 'unhealthy' | 'terminating';
      readonly registered: Registering;
    };

export const instanceStream = (instanceId: string): StreamName =>
  streamName('instance', instanceId);

/** One running instance: starting, healthy and unhealthy by its checks, terminating, gone; and maybe back. */
export const instanceRegistration: Decider<Instance, InstanceCommand, InstanceEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterInstance':
        return register(command.data, state);
      case 'ObserveHealth':
        return observe(command.data, state);
      case 'DeregisterInstance':
        return terminate(command.data, state, command.data.reason ?? 'deregistered');
      case 'ExpireInstance':
        // It may have said goodbye between the look at its heartbeats and this command.
        return state.status === 'absent' || state.status === 'terminating'
          ? []
          : terminate(command.data, state, 'heartbeat-expired');
      case 'RemoveInstance':
        return state.status === 'terminating'
          ? [{ type: 'InstanceRemoved', data: names(command.data) }]
          : [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'InstanceRegistered':
        return { status: 'starting', registered: event.data };
      case 'InstanceHealthObserved':
        return state.status === 'absent' ? state : { ...state, status: event.data.status };
      case 'InstanceTerminating':
        return state.status === 'absent' ? state : { ...state, status: 'terminating' };
      case 'InstanceRemoved':
        return { status: 'absent' };
    }
  },
};

function register(data: Registering, state: Instance): Decision<InstanceEvent> {
  if (state.status === 'absent') return [{ type: 'InstanceRegistered', data }];
  const other = ofAnotherService(data, state);
  if (other) return other;
  const isSame = JSON.stringify(state.registered) === JSON.stringify(data);
  // Asking for what already holds is not a change; another address or version starts it afresh.
  return state.status !== 'terminating' && isSame ? [] : [{ type: 'InstanceRegistered', data }];
}

function observe(data: Observed, state: Instance): Decision<InstanceEvent> {
  if (state.status === 'absent' || state.status === 'terminating') return [];
  return state.status === data.status ? [] : [{ type: 'InstanceHealthObserved', data }];
}

function terminate(data: Named, state: Instance, reason: string): Decision<InstanceEvent> {
  if (state.status === 'absent') return unknownInstance(data.instance_id);
  const other = ofAnotherService(data, state);
  if (other) return other;
  if (state.status === 'terminating') return [];
  return [{ type: 'InstanceTerminating', data: { ...names(data), reason } }];
}

const names = ({ service_id, instance_id }: Named): Named => ({ service_id, instance_id });

/** An instance belongs to one service for as long as it is there. */
export function ofAnotherService(
  data: Named,
  state: Exclude<Instance, { status: 'absent' }>,
): Rejection | undefined {
  const { service_id } = state.registered;
  if (service_id === data.service_id) return undefined;
  return new Rejection(
    'instance-of-another-service',
    `${data.instance_id} is an instance of ${service_id}`,
    'conflict',
    [{ field: 'service_id', message: `is ${service_id} for this instance` }],
  );
}

export const unknownInstance = (instance: string): Rejection =>
  new Rejection('instance-unknown', `there is no instance ${instance}`, 'not-found');
