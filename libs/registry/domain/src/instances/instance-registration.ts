import type { registryContract } from '@downbeat/contracts';
import {
  fold,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type StreamName,
} from '@downbeat/eventsourcing';
import { penaltyAfter, suppressedUntil, type Penalty } from './flap-damping';
import {
  endingOf,
  type Adjustable,
  type Announced,
  type Begun,
  type Ending,
  type InstanceEvent,
  type Named,
  type Observed,
  type Registering,
} from './instance-events';
import { REGISTERED, registeredAfter, standingAfter, type Standing } from './standing';

export type InstanceCommand =
  | Command<'RegisterInstance', Registering & Begun>
  | Command<'AnnounceLifecycle', Announced>
  | Command<'ObserveHealth', Observed>
  | Command<'DeregisterInstance', Named & { readonly reason?: string | undefined }>
  /** Sent by the registry itself when heartbeats stay away. */
  | Command<'ExpireInstance', Named & { readonly silent_for_ms: number }>
  /** Sent by the registry itself when a connection has closed. */
  | Command<'CloseSession', Named & { readonly session: registryContract.NatsSession }>
  /** Sent by the registry itself for one that nobody could use for a long time. */
  | Command<'GiveUpInstance', Named & { readonly unusable_for_ms: number }>
  /** Sent by the registry itself when the time is over for which it was held back. */
  | Command<'ReleaseInstance', Named>
  /** Sent by the registry itself some time after it began to terminate. */
  | Command<'RemoveInstance', Named>;

export type Instance =
  | { readonly status: 'absent' }
  | (Standing & {
      readonly registered: Registering;
      readonly penalty: Penalty | undefined;
      /** Why it is unhealthy, of an instance with phases. */
      readonly reason?: Observed['reason'];
      readonly inherited?: Observed['inherited'];
    });
type Present = Exclude<Instance, { status: 'absent' }>;

export const instanceStream = (instanceId: string): StreamName =>
  streamName('instance', instanceId);

/** One running instance: starting, healthy and unhealthy by its checks, terminating, gone; and maybe back. */
export const instanceRegistration: Decider<Instance, InstanceCommand, InstanceEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterInstance':
        return register(command.data, state);
      case 'AnnounceLifecycle':
        return announce(command.data, state);
      case 'ObserveHealth':
        return observe(command.data, state);
      case 'DeregisterInstance':
        return deregister(command.data, state);
      case 'ExpireInstance':
        return giveUp(command.data, state, 'heartbeat-expired');
      case 'CloseSession': {
        const isOurs = isThere(state) && isSame(state.registered.session, command.data.session);
        return isOurs ? giveUp(command.data, state, 'session-closed') : [];
      }
      case 'GiveUpInstance':
        return state.status === 'healthy' ? [] : giveUp(command.data, state, 'never-healthy');
      case 'ReleaseInstance': {
        const until = isThere(state) ? state.suppressed_until : null;
        const isOver = until !== null && until <= command.at;
        return isOver ? [{ type: 'InstanceReleased', data: names(command.data) }] : [];
      }
      case 'RemoveInstance':
        return state.status === 'terminating'
          ? [{ type: 'InstanceRemoved', data: names(command.data) }]
          : [];
    }
  },

  evolve(state, event) {
    if (event.type === 'InstanceRegistered') {
      const penalty = state.status === 'absent' ? undefined : state.penalty;
      const standing = state.status === 'absent' ? REGISTERED : registeredAfter(state);
      return { ...standing, registered: event.data, penalty };
    }
    if (state.status === 'absent') return state;
    const standing = standingAfter(state, event);
    if (!standing) return { status: 'absent' };
    const after = { ...state, ...standing };
    switch (event.type) {
      case 'InstanceSessionMoved': {
        const { session: _, ...registered } = state.registered;
        const { session } = event.data;
        return { ...after, registered: session ? { ...registered, session } : registered };
      }
      case 'InstanceAdjusted': {
        const { others } = partsOf(state.registered);
        return { ...after, registered: { ...others, ...adjustableOf(event.data) } };
      }
      case 'InstanceHealthObserved': {
        const { status, reason, inherited, checked_at: at } = event.data;
        const isWorse = state.status === 'healthy' && status === 'unhealthy';
        const penalty = isWorse ? penaltyAfter(state.penalty, at as Instant) : state.penalty;
        return { ...after, reason, inherited, penalty };
      }
      case 'InstanceLifecycleAnnounced':
      case 'InstanceSuppressed':
      case 'InstanceReleased':
      case 'InstanceTerminating':
      case 'InstanceRemoved':
        return after;
    }
  },
};

function register(
  { lifecycle, lifecycle_detail: detail, ...data }: Registering & Begun,
  state: Instance,
): Decision<InstanceEvent> {
  const events = registerAs(data, state);
  if (events instanceof Rejection || lifecycle === undefined) return events;
  const said = { ...names(data), lifecycle, ...(detail !== undefined && { detail }) };
  const announced = announce(said, fold(instanceRegistration, events, state));
  // One that has come further is not taken back by saying again how it began.
  return announced instanceof Rejection ? events : [...events, ...announced];
}

function registerAs(data: Registering, state: Instance): Decision<InstanceEvent> {
  if (state.status === 'absent') return [{ type: 'InstanceRegistered', data }];
  const other = ofAnotherService(data, state);
  if (other) return other;
  const [before, after] = [partsOf(state.registered), partsOf(data)];
  // How it is checked is its service's business, and told to the checks by that.
  const { session: had, check: _, ...identity } = before.others;
  const { session, check: __, ...said } = after.others;
  // Anything else than before, such as another address, starts it afresh.
  if (state.status === 'terminating' || !isSame(identity, said))
    return [{ type: 'InstanceRegistered', data }];
  // Asking for what already holds is not a change.
  const events: InstanceEvent[] = [];
  if (!isSame(before.adjustable, after.adjustable))
    events.push({ type: 'InstanceAdjusted', data: { ...names(data), ...after.adjustable } });
  const moved = session ? { ...names(data), session } : names(data);
  if (!isSame(had, session)) events.push({ type: 'InstanceSessionMoved', data: moved });
  return events;
}

function partsOf({ weight, priority, metadata, heartbeat_ttl_ms, ...others }: Registering) {
  return {
    adjustable: adjustableOf({ weight, priority, metadata, heartbeat_ttl_ms }),
    others,
  };
}

/** In one order, and without what is not said. */
const adjustableOf = ({
  weight,
  priority,
  metadata,
  heartbeat_ttl_ms,
}: Adjustable): Adjustable => ({
  ...(weight !== undefined && { weight }),
  ...(priority !== undefined && { priority }),
  ...(metadata !== undefined && { metadata }),
  ...(heartbeat_ttl_ms !== undefined && { heartbeat_ttl_ms }),
});

const STAGES: readonly registryContract.Lifecycle[] = [
  'registered',
  'initializing',
  'starting',
  'running',
  'stopping',
  'failed',
];

function announce(data: Announced, state: Instance): Decision<InstanceEvent> {
  if (!isThere(state)) return unknownInstance(data.instance_id);
  const other = ofAnotherService(data, state);
  if (other) return other;
  const { lifecycle } = state;
  if (data.lifecycle === lifecycle) return [];
  if (STAGES.indexOf(data.lifecycle) < STAGES.indexOf(lifecycle))
    return new Rejection(
      'lifecycle-goes-forward',
      `${data.instance_id} is ${lifecycle}; register it anew to begin again`,
      'conflict',
      [{ field: 'lifecycle', message: `comes before ${lifecycle}` }],
    );
  return [{ type: 'InstanceLifecycleAnnounced', data }];
}

function observe(data: Observed, state: Instance): Decision<InstanceEvent> {
  if (!isThere(state)) return [];
  const isSaid = state.reason === data.reason && isSame(state.inherited, data.inherited);
  if (state.status === data.status && isSaid) return [];
  const observed = { type: 'InstanceHealthObserved', data } as const;
  const after = instanceRegistration.evolve(state, observed);
  if (!isThere(after) || !after.penalty || after.penalty === state.penalty) return [observed];
  const until = suppressedUntil(after.penalty);
  if (until === undefined) return [observed];
  const { weight: penalty } = after.penalty;
  return [observed, { type: 'InstanceSuppressed', data: { ...names(data), until, penalty } }];
}

function deregister(
  data: Named & { readonly reason?: string | undefined },
  state: Instance,
): Decision<InstanceEvent> {
  if (state.status === 'absent') return unknownInstance(data.instance_id);
  const other = ofAnotherService(data, state);
  if (other) return other;
  return terminate(data, state, 'deregistered', data.reason);
}

/** It may have said goodbye between the look at it and this command. */
const giveUp = (data: Named, state: Instance, ending: Ending): Decision<InstanceEvent> =>
  isThere(state) ? terminate(data, state, ending) : [];

function terminate(
  data: Named,
  { status }: Present,
  ending: Ending,
  reason: string = ending,
): Decision<InstanceEvent> {
  if (status === 'terminating') return [];
  const told = endingOf(reason) === ending ? {} : { ending };
  return [{ type: 'InstanceTerminating', data: { ...names(data), reason, ...told } }];
}

const isThere = (state: Instance): state is Present =>
  state.status !== 'absent' && state.status !== 'terminating';

const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const names = ({ service_id, instance_id }: Named): Named => ({ service_id, instance_id });

/** An instance belongs to one service for as long as it is there. */
export function ofAnotherService(data: Named, state: Present): Rejection | undefined {
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
