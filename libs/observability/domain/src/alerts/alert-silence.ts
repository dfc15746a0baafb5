import type { AlertSeverity } from './words';
import {
  epochMs,
  instantOf,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

/** What is said must all fit. */
export interface Matchers {
  readonly rule_id?: string | undefined;
  readonly service_name?: string | undefined;
  readonly subject?: string | undefined;
  readonly severity?: AlertSeverity | undefined;
}

interface Named {
  readonly silence_id: string;
}

export type SilenceCommand =
  | Command<
      'StartSilence',
      Named & { readonly matchers: Matchers; readonly minutes: number; readonly reason: string }
    >
  | Command<'EndSilence', Named & { readonly reason?: string | undefined }>;

export type SilenceStarted = Message<
  'SilenceStarted',
  Named & {
    readonly matchers: Matchers;
    readonly ends_at: Instant;
    readonly reason: string;
    readonly at: Instant;
  }
>;
export type SilenceEnded = Message<
  'SilenceEnded',
  Named & { readonly reason?: string; readonly at: Instant }
>;
export type SilenceEvent = SilenceStarted | SilenceEnded;

export interface SilenceState {
  readonly matchers: Matchers | undefined;
  readonly endsAt: Instant;
}

export const silenceStream = (id: string): StreamName => streamName('alert-silence', id);

/** A time in which no alert fires that fits. It ends by itself: that is no event. */
export const silence: Decider<SilenceState, SilenceCommand, SilenceEvent> = {
  initialState: { matchers: undefined, endsAt: instantOf(0) },

  decide(command, state) {
    const { at } = command;
    const { silence_id } = command.data;
    switch (command.type) {
      case 'StartSilence': {
        const { matchers, minutes, reason } = command.data;
        const ends_at = instantOf(Math.round(epochMs(at) + minutes * 60_000));
        return [{ type: 'SilenceStarted', data: { silence_id, matchers, ends_at, reason, at } }];
      }
      case 'EndSilence': {
        if (!state.matchers)
          return new Rejection('silence-unknown', `there is no silence ${silence_id}`, 'not-found');
        if (state.endsAt <= at)
          return new Rejection('silence-over', `${silence_id} ended at ${state.endsAt}`);
        const { reason } = command.data;
        const data = { silence_id, at, ...(reason !== undefined && { reason }) };
        return [{ type: 'SilenceEnded', data }];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'SilenceStarted':
        return { matchers: event.data.matchers, endsAt: event.data.ends_at };
      case 'SilenceEnded':
        return { ...state, endsAt: event.data.at };
    }
  },
};

/** A silence that has not ended. */
export interface Silence {
  readonly silence_id: string;
  readonly matchers: Matchers;
  readonly ends_at: Instant;
}

type Silenceable = Required<Pick<Matchers, 'rule_id' | 'subject' | 'severity'>> &
  Pick<Matchers, 'service_name'>;

/** The silence that holds for it at this moment; of several the one that lasts longest. */
export function silenceOf(
  silences: readonly Silence[],
  about: Silenceable,
  at: Instant,
): Silence | undefined {
  const fits = ({ matchers, ends_at }: Silence): boolean =>
    ends_at > at &&
    (['rule_id', 'subject', 'severity', 'service_name'] as const).every(
      (name) => matchers[name] === undefined || matchers[name] === about[name],
    );
  return silences
    .filter(fits)
    .toSorted((one, other) => (one.ends_at < other.ends_at ? -1 : 1))
    .at(-1);
}
