import type { DataOf, healthContract } from '@downbeat/contracts';
import {
  epochMs,
  instantOf,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

export interface BreakerKey {
  readonly service_name: string;
  readonly target_service: string;
  readonly endpoint_pattern: string;
}
interface Named extends BreakerKey {
  readonly breaker_id: string;
}
export type BreakerSettings = Pick<
  DataOf<typeof healthContract.createCircuitBreaker>,
  'failure_threshold' | 'success_threshold' | 'timeout_duration' | 'policy'
>;
type Force = DataOf<typeof healthContract.forceCircuitBreaker>;
export type ForcedMode = Force['mode'];

export type BreakerCommand =
  | Command<'CreateBreaker', Named & { readonly settings: BreakerSettings }>
  | Command<'ChangeBreaker', Named & { readonly settings: BreakerSettings }>
  | Command<'RemoveBreaker', Named>
  | Command<'ResetBreaker', Named & { readonly reason: string; readonly force: boolean }>
  | Command<'ForceBreaker', Named & Pick<Force, 'mode' | 'reason' | 'expires_in_seconds'>>
  | Command<'ReleaseBreaker', Named & { readonly reason: string }>;

type Said<Type extends string, Data> = Message<Type, Named & Data & { readonly at: Instant }>;

export type BreakerCreated = Said<'BreakerCreated', { readonly settings: BreakerSettings }>;
export type BreakerChanged = Said<'BreakerChanged', { readonly settings: BreakerSettings }>;
export type BreakerRemoved = Said<'BreakerRemoved', object>;
/** Orders are numbered from 1; holders say up to which one they have carried them out. */
export type BreakerResetOrdered = Said<
  'BreakerResetOrdered',
  { readonly order_no: number; readonly reason: string; readonly force: boolean }
>;
export type BreakerForceOrdered = Said<
  'BreakerForceOrdered',
  {
    readonly order_no: number;
    readonly mode: ForcedMode;
    readonly until: Instant;
    readonly reason: string;
  }
>;
export type BreakerReleaseOrdered = Said<
  'BreakerReleaseOrdered',
  { readonly order_no: number; readonly reason: string }
>;
export type BreakerControlEvent =
  | BreakerCreated
  | BreakerChanged
  | BreakerRemoved
  | BreakerResetOrdered
  | BreakerForceOrdered
  | BreakerReleaseOrdered;

/** What people have said of a breaker. */
export interface BreakerControl {
  readonly settings?: BreakerSettings;
  readonly orderNo: number;
  /** Since the last reset or release. */
  readonly forced?: { readonly mode: ForcedMode; readonly until: Instant };
}

export const breakerStream = (breakerId: string): StreamName => streamName('breaker', breakerId);

/** The settings of a breaker and the orders for it. Whether it exists anywhere is not asked: it may, tomorrow. */
export const breakerControl: Decider<BreakerControl, BreakerCommand, BreakerControlEvent> = {
  initialState: { orderNo: 0 },

  decide(command, state) {
    const { type, data, at } = command;
    switch (type) {
      case 'CreateBreaker':
        return create(data, state, at);
      case 'ChangeBreaker':
        if (!state.settings) return withoutSettings(data);
        return isSame(state.settings, data.settings)
          ? []
          : [{ type: 'BreakerChanged', data: { ...named(data), settings: data.settings, at } }];
      case 'RemoveBreaker':
        return state.settings
          ? [{ type: 'BreakerRemoved', data: { ...named(data), at } }]
          : withoutSettings(data);
      case 'ResetBreaker':
        return reset(data, state, at);
      case 'ForceBreaker': {
        const { mode, reason, expires_in_seconds } = data;
        const until = instantOf(Math.round(epochMs(at) + expires_in_seconds * 1_000));
        const order = { order_no: state.orderNo + 1, mode, until, reason, at };
        return [{ type: 'BreakerForceOrdered', data: { ...named(data), ...order } }];
      }
      case 'ReleaseBreaker': {
        if (!isForced(state, at)) return nothingForced();
        const order = { order_no: state.orderNo + 1, reason: data.reason, at };
        return [{ type: 'BreakerReleaseOrdered', data: { ...named(data), ...order } }];
      }
    }
  },

  evolve(state, event) {
    const { orderNo } = state;
    switch (event.type) {
      case 'BreakerCreated':
      case 'BreakerChanged':
        return { ...state, settings: event.data.settings };
      case 'BreakerRemoved': {
        const { settings: _, ...rest } = state;
        return rest;
      }
      case 'BreakerForceOrdered': {
        const { mode, until } = event.data;
        return { ...state, orderNo: orderNo + 1, forced: { mode, until } };
      }
      case 'BreakerResetOrdered':
      case 'BreakerReleaseOrdered': {
        const { forced: _, ...rest } = state;
        return { ...rest, orderNo: orderNo + 1 };
      }
    }
  },
};

function create(
  data: Extract<BreakerCommand, { type: 'CreateBreaker' }>['data'],
  { settings }: BreakerControl,
  at: Instant,
): Decision<BreakerControlEvent> {
  if (!settings)
    return [{ type: 'BreakerCreated', data: { ...named(data), settings: data.settings, at } }];
  // Asking for what already holds is not a change.
  if (isSame(settings, data.settings)) return [];
  return new Rejection(
    'breaker-exists',
    `${data.breaker_id} has other settings already: change them with PUT, or remove them first`,
  );
}

function reset(
  data: Extract<BreakerCommand, { type: 'ResetBreaker' }>['data'],
  state: BreakerControl,
  at: Instant,
): Decision<BreakerControlEvent> {
  const { reason, force } = data;
  if (isForced(state, at) && !force)
    return new Rejection(
      'breaker-forced',
      `it is ${state.forced?.mode} until ${state.forced?.until}: release it, or reset it with force`,
    );
  const order = { order_no: state.orderNo + 1, reason, force, at };
  return [{ type: 'BreakerResetOrdered', data: { ...named(data), ...order } }];
}

const isForced = ({ forced }: BreakerControl, at: Instant): boolean =>
  forced !== undefined && epochMs(forced.until) > epochMs(at);

const named = ({ breaker_id, service_name, target_service, endpoint_pattern }: Named): Named => ({
  breaker_id,
  service_name,
  target_service,
  endpoint_pattern,
});

const isSame = (one: BreakerSettings, other: BreakerSettings): boolean =>
  JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));

/** Members by name, so that it does not matter in which order they were said. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, of]) => [name, ordered(of)]);
}

const withoutSettings = ({ breaker_id }: Named): Rejection =>
  new Rejection('breaker-without-settings', `nobody has set what ${breaker_id} does`, 'not-found');

const nothingForced = (): Rejection =>
  new Rejection('breaker-not-forced', 'nothing is forced that could be released');
