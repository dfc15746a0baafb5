import type { DataOf, sagaContract } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Limits = Omit<DataOf<typeof sagaContract.limitTarget>, 'service_name'>;

export type TargetCommand =
  | Command<'LimitTarget', DataOf<typeof sagaContract.limitTarget>>
  | Command<'PauseTarget', DataOf<typeof sagaContract.pauseTarget>>
  | Command<'ResumeTarget', DataOf<typeof sagaContract.resumeTarget>>;

export type TargetLimited = Message<
  'TargetLimited',
  { readonly service_name: string; readonly limits: Limits; readonly at: Instant }
>;
export type TargetPaused = Message<
  'TargetPaused',
  { readonly service_name: string; readonly reason: string; readonly at: Instant }
>;
export type TargetResumed = Message<
  'TargetResumed',
  { readonly service_name: string; readonly at: Instant }
>;
export type TargetEvent = TargetLimited | TargetPaused | TargetResumed;

/** What an operator has said about calls to one service. */
export interface TargetControl {
  readonly limits: Limits;
  readonly isPaused: boolean;
}

export const targetStream = (serviceName: string): StreamName => streamName('target', serviceName);

/** How much a service may be called; it need not be registered yet. */
export const targetControl: Decider<TargetControl, TargetCommand, TargetEvent> = {
  initialState: { limits: {}, isPaused: false },

  decide({ type, data, at }, { limits: before, isPaused }) {
    const { service_name } = data;
    switch (type) {
      case 'LimitTarget': {
        const { service_name: _, ...limits } = data;
        return isSame(limits, before)
          ? []
          : [{ type: 'TargetLimited', data: { service_name, limits, at } }];
      }
      case 'PauseTarget':
        if (isPaused) return [];
        return [{ type: 'TargetPaused', data: { service_name, reason: data.reason, at } }];
      case 'ResumeTarget':
        return isPaused ? [{ type: 'TargetResumed', data: { service_name, at } }] : [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'TargetLimited':
        return { ...state, limits: event.data.limits };
      case 'TargetPaused':
        return { ...state, isPaused: true };
      case 'TargetResumed':
        return { ...state, isPaused: false };
    }
  },
};

const LIMITS = [
  'concurrency_max',
  'rate_per_second',
  'key_concurrency_max',
  'key_rate_per_second',
] as const;

const isSame = (one: Limits, other: Limits): boolean =>
  LIMITS.every((name) => one[name] === other[name]);
