import type { Instant } from './instant';

/** A command or an event: what it is, and what it says. `data` must survive JSON. */
export interface Message<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** A request that may be refused. It brings along what a decider may not look up itself: the time. */
export interface Command<Type extends string = string, Data = unknown> extends Message<Type, Data> {
  readonly at: Instant;
}

/** An event in its stored shape; `version` 1 unless its data changed shape since. */
export type SchemaVersion = number;
