import {
  epochMs,
  instantOf,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type Position,
  type StreamName,
} from '@downbeat/eventsourcing';
import { hours, minutes, type Ring } from './call-ring';

/** Places of a ring in which nothing that is newer stands. */
interface ForgottenPlaces {
  /** What began since then stays: its place served again in between. */
  readonly began_before: Instant;
  readonly places: readonly string[];
}

interface Forgetting {
  readonly minutes: ForgottenPlaces;
  readonly hours: ForgottenPlaces;
}

export type ForgetCalls = Command<'ForgetCalls', Forgetting>;

/** Calls of long ago left the views of calls, of whoever calls no more: a view that is built again forgets them as well. */
export type CallsForgotten = Message<'CallsForgotten', Forgetting & { readonly at: Instant }>;

/** Of one ring in one round: a view reads what it forgets, with all endpoints. */
export const PLACES_FORGOTTEN_MAX = 200;
/** Who calls at the same time every day, a little earlier or later, finds the places of the day before. */
const ROUNDS_KEPT = 2;

const beganBefore = ({ places, stretchMs }: Ring, at: Instant): Instant =>
  instantOf(epochMs(at) - ROUNDS_KEPT * places * stretchMs);

/** Before when calls are forgotten. */
export const forgottenBefore = (at: Instant) => ({
  minutes: beganBefore(minutes, at),
  hours: beganBefore(hours, at),
});

/** One stream for each position at which somebody looked: replicas that find the same forget it once. */
export const callForgettingStream = (seenAt: Position): StreamName =>
  streamName('forgotten-calls', `${seenAt}`);

export const callForgetting: Decider<boolean, ForgetCalls, CallsForgotten> = {
  initialState: false,
  decide: ({ data, at }, isForgotten) =>
    isForgotten || data.minutes.places.length + data.hours.places.length === 0
      ? []
      : [{ type: 'CallsForgotten', data: { ...data, at } }],
  evolve: () => true,
};
