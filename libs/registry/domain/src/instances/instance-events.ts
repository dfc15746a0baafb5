import type { DataOf, healthContract, registryContract } from '@downbeat/contracts';
import type { Instant, Message } from '@downbeat/eventsourcing';

type Check = DataOf<typeof registryContract.instanceRegistered>['check'];
type Said = DataOf<typeof registryContract.registerInstance>;
/** How far it has come when it is registered. */
export type Begun = Pick<Said, 'lifecycle' | 'lifecycle_detail'>;
export type Registering = Omit<Said, keyof Begun> & { readonly check: Check };
/** What may change of an instance that goes on as it is. */
export type Adjustable = Pick<Registering, 'weight' | 'priority' | 'metadata' | 'heartbeat_ttl_ms'>;
export type Named = { readonly service_id: string; readonly instance_id: string };
export type Observed = Named &
  Omit<DataOf<typeof healthContract.instanceHealthChanged>, 'service_name'>;
export type Announced = DataOf<typeof registryContract.announceLifecycle>;

/** Why an instance goes away, for programs; the reason is for people. */
export type Ending = 'deregistered' | 'heartbeat-expired' | 'session-closed' | 'never-healthy';

/** What a reason means unless the event says otherwise. */
export const endingOf = (reason: string): Ending =>
  reason === 'heartbeat-expired' ? reason : 'deregistered';

export type InstanceRegistered = Message<'InstanceRegistered', Registering>;
/** The same instance over another connection; absent: over none. */
export type InstanceSessionMoved = Message<
  'InstanceSessionMoved',
  Named & { readonly session?: registryContract.NatsSession }
>;
/** How much it takes, and what is said of it, anew; what is absent holds no more. */
export type InstanceAdjusted = Message<'InstanceAdjusted', Named & Adjustable>;
export type InstanceLifecycleAnnounced = Message<'InstanceLifecycleAnnounced', Announced>;
export type InstanceHealthObserved = Message<'InstanceHealthObserved', Observed>;
/** It changes its mind too often to be offered before `until`. */
export type InstanceSuppressed = Message<
  'InstanceSuppressed',
  Named & { readonly until: Instant; readonly penalty: number }
>;
export type InstanceReleased = Message<'InstanceReleased', Named>;
export type InstanceTerminating = Message<
  'InstanceTerminating',
  /** Absent where the reason tells it: {@link endingOf}. */
  Named & { readonly reason: string; readonly ending?: Ending }
>;
export type InstanceRemoved = Message<'InstanceRemoved', Named>;
export type InstanceEvent =
  | InstanceRegistered
  | InstanceSessionMoved
  | InstanceAdjusted
  | InstanceLifecycleAnnounced
  | InstanceHealthObserved
  | InstanceSuppressed
  | InstanceReleased
  | InstanceTerminating
  | InstanceRemoved;
