import type { registryContract } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import { endingOf, type InstanceEvent } from './instance-events';

/** How an instance stands: what its checks say, how far it has come, and whether it is held back. */
export interface Standing {
  readonly status: registryContract.InstanceStatus;
  readonly lifecycle: registryContract.Lifecycle;
  readonly suppressed_until: Instant | null;
}

export const REGISTERED: Standing = {
  status: 'starting',
  lifecycle: 'registered',
  suppressed_until: null,
};

/** Registering anew does not let go of one that is held back. */
export const registeredAfter = ({ suppressed_until }: Standing): Standing => ({
  ...REGISTERED,
  suppressed_until,
});

/** Takes new calls. */
export const isOffered = ({ status, lifecycle, suppressed_until }: Standing): boolean =>
  status === 'healthy' && lifecycle === 'running' && suppressed_until === null;

/** Why it takes no new calls, of an instance that ran and is still there; undefined of all others. */
export function unofferedStateOf(standing: Standing): registryContract.UnofferedState | undefined {
  const { status, lifecycle } = standing;
  if (status === 'terminating' || isOffered(standing)) return undefined;
  if (lifecycle === 'running' && status !== 'starting') return 'unhealthy';
  return lifecycle === 'stopping' && status === 'healthy' ? 'draining' : undefined;
}

/** The standing after an event of the instance; undefined: it is gone. */
export function standingAfter(before: Standing, event: InstanceEvent): Standing | undefined {
  switch (event.type) {
    case 'InstanceRegistered':
      return registeredAfter(before);
    case 'InstanceSessionMoved':
    case 'InstanceAdjusted':
      return before;
    case 'InstanceLifecycleAnnounced':
      return { ...before, lifecycle: event.data.lifecycle };
    case 'InstanceHealthObserved': {
      const { status } = event.data;
      // One that announces nothing runs when it is healthy first; others say so themselves.
      const isRunning = status === 'healthy' && before.lifecycle === 'registered';
      return { ...before, status, lifecycle: isRunning ? 'running' : before.lifecycle };
    }
    case 'InstanceSuppressed':
      return { ...before, suppressed_until: event.data.until };
    case 'InstanceReleased':
      return { ...before, suppressed_until: null };
    case 'InstanceTerminating': {
      const { reason, ending = endingOf(reason) } = event.data;
      const lifecycle = ending === 'deregistered' ? 'stopping' : 'failed';
      return { ...before, status: 'terminating', lifecycle };
    }
    case 'InstanceRemoved':
      return undefined;
  }
}
