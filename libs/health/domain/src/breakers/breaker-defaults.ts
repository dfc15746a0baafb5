import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
} from '@downbeat/eventsourcing';
import type { BreakerSettings } from './breaker-control';

export type BreakerDefaultsCommand =
  | Command<'SetDefaults', { readonly settings: BreakerSettings }>
  | Command<'RemoveDefaults', object>;

export type BreakerDefaultsSet = Message<
  'BreakerDefaultsSet',
  { readonly settings: BreakerSettings; readonly at: Instant }
>;
export type BreakerDefaultsRemoved = Message<'BreakerDefaultsRemoved', { readonly at: Instant }>;
export type BreakerDefaultsEvent = BreakerDefaultsSet | BreakerDefaultsRemoved;

export interface BreakerDefaults {
  readonly settings?: BreakerSettings;
}

export const breakerDefaultsStream = streamName('breaker-defaults', 'all');

/** What breakers do for which nobody has said anything else. */
export const breakerDefaults: Decider<
  BreakerDefaults,
  BreakerDefaultsCommand,
  BreakerDefaultsEvent
> = {
  initialState: {},

  decide({ type, data, at }, { settings }) {
    switch (type) {
      case 'SetDefaults':
        return JSON.stringify(settings) === JSON.stringify(data.settings)
          ? []
          : [{ type: 'BreakerDefaultsSet', data: { settings: data.settings, at } }];
      case 'RemoveDefaults':
        if (!settings)
          return new Rejection('no-breaker-defaults', 'there are no defaults', 'not-found');
        return [{ type: 'BreakerDefaultsRemoved', data: { at } }];
    }
  },

  evolve(_, event) {
    switch (event.type) {
      case 'BreakerDefaultsSet':
        return { settings: event.data.settings };
      case 'BreakerDefaultsRemoved':
        return {};
    }
  },
};
