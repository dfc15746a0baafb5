import type { Priority } from '@downbeat/contracts';

/** A call that wants to be sent. */
export interface CallRequest {
  readonly service: string;
  readonly priority: Priority;
  /** What limits per key count it under. */
  readonly key: string | undefined;
  /** Whose call it is, for people: `<run>:<step>`. */
  readonly label: string;
}

/** A call's place in front of its target. */
export interface Ticket extends CallRequest {
  /** Absent: it may go at once. False: it was given up. */
  readonly turn: Promise<boolean> | undefined;
}

/** Milliseconds until it is worth asking again; 0: now; undefined: when a call comes back, or someone acts. */
export type Wait = number | undefined;
