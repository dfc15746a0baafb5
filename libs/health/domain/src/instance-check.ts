import type { DataOf, healthContract, registryContract } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { isSameFailure } from './inherited-failure';
import type { Standing } from './phases';
import type { CheckedStatus } from './thresholds';

type Registered = DataOf<typeof registryContract.instanceRegistered>;
type Terminating = DataOf<typeof registryContract.instanceTerminating>;
type Removed = DataOf<typeof registryContract.instanceRemoved>;
type Crossed = DataOf<typeof healthContract.instanceHealthChanged>;
type Started = {
  readonly service_name: string;
  readonly instance_id: string;
  readonly detail: string;
  readonly checked_at: string;
};

export type CheckCommand =
  | Command<'StartChecking', Registered>
  | Command<'PassStartup', Started>
  | Command<'CrossThreshold', Crossed>
  | Command<'StopChecking', Terminating>
  | Command<'ForgetInstance', Removed>;

export type CheckStarted = Message<'CheckStarted', Registered>;
export type StartupPassed = Message<'StartupPassed', Started>;
export type HealthChanged = Message<'HealthChanged', Crossed>;
export type CheckStopped = Message<'CheckStopped', Terminating>;
export type InstanceForgotten = Message<'InstanceForgotten', Removed>;
export type CheckEvent =
  CheckStarted | StartupPassed | HealthChanged | CheckStopped | InstanceForgotten;

export type InstanceCheck =
  | { readonly status: 'unknown' }
  | {
      readonly status: CheckedStatus | 'terminating';
      readonly checked: Registered;
      readonly hasStarted: boolean;
      readonly reason?: Standing['reason'];
      readonly inherited?: Crossed['inherited'];
    };

export const checkStream = (instanceId: string): StreamName => streamName('check', instanceId);

/** The checking of one instance. Single results are not events; crossing a threshold is. */
export const instanceCheck: Decider<InstanceCheck, CheckCommand, CheckEvent> = {
  initialState: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'StartChecking':
        return [{ type: 'CheckStarted', data: command.data }];
      case 'PassStartup':
        if (state.status === 'unknown' || state.status === 'terminating') return [];
        return state.hasStarted ? [] : [{ type: 'StartupPassed', data: command.data }];
      case 'CrossThreshold':
        // A check that was under way when the instance left has nothing to say any more.
        if (state.status === 'unknown' || state.status === 'terminating') return [];
        return isSame(state, command.data) ? [] : [{ type: 'HealthChanged', data: command.data }];
      case 'StopChecking':
        if (state.status === 'unknown' || state.status === 'terminating') return [];
        return [{ type: 'CheckStopped', data: command.data }];
      case 'ForgetInstance':
        return state.status === 'unknown'
          ? []
          : [{ type: 'InstanceForgotten', data: command.data }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'CheckStarted':
        return { status: 'starting', checked: event.data, hasStarted: false };
      case 'StartupPassed':
        return state.status === 'unknown' ? state : { ...state, hasStarted: true };
      case 'HealthChanged': {
        const { status, reason, inherited } = event.data;
        return state.status === 'unknown' ? state : { ...state, status, reason, inherited };
      }
      case 'CheckStopped':
        return state.status === 'unknown' ? state : { ...state, status: 'terminating' };
      case 'InstanceForgotten':
        return { status: 'unknown' };
    }
  },
};

/** Who inherits a failure is told of it anew when that is found out, or over. */
const isSame = (
  one: Pick<Crossed, 'reason' | 'inherited'> & { readonly status: string },
  other: Crossed,
): boolean =>
  one.status === other.status &&
  one.reason === other.reason &&
  isSameFailure(one.inherited, other.inherited);
