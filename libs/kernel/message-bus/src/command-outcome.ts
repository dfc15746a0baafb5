import type { FieldError, JsonObject, Position, RejectionKind } from '@downbeat/eventsourcing';

/** Why a request was not carried out, in words that may leave the suite. */
export interface Problem {
  /** Stable, kebab-case, or `<library>/<what-happened>` for a fault. */
  readonly code: string;
  readonly message: string;
  /** What the problem is about; `unavailable` may pass by itself. */
  readonly kind: RejectionKind | 'unavailable' | 'internal';
  readonly errors?: readonly FieldError[];
  /** What the person who asked can do about it. */
  readonly hint?: string;
  /** Seconds after which it is worth asking again; whole, at least 1. */
  readonly retry_after_seconds?: number;
}

/** What became of a command: accepted (its events are committed), or refused and why. */
export type CommandOutcome =
  | {
      readonly accepted: true;
      readonly position: Position;
      readonly answer: JsonObject;
      /** The same command id had been accepted before; this is that answer. */
      readonly repeated: boolean;
    }
  | { readonly accepted: false; readonly problem: Problem };

/** What became of a query. `position`: up to where the answer is true. */
export type QueryOutcome =
  | { readonly ok: true; readonly position: Position; readonly data: unknown }
  | { readonly ok: false; readonly problem: Problem };
