import type { BreakerKey } from '../breaker/breaker-table';
import type { Transition } from '../breaker/transition';
import type { RefusalCode } from '../refusal';
import type { CallFailure } from './call-result';

/** What is out of the ordinary, as it happens; calls that go well are counted and not told of. */
export type ProxyEvent =
  /** An attempt that went out had no answer, or one that is none. */
  | {
      readonly kind: 'attempt-failed';
      readonly target: string;
      readonly endpointId: string;
      readonly failure: unknown;
    }
  | { readonly kind: 'refused'; readonly target: string; readonly code: RefusalCode }
  | { readonly kind: 'hedged'; readonly target: string; readonly endpointId: string }
  | { readonly kind: 'failed'; readonly target: string; readonly failure: CallFailure }
  | {
      readonly kind: 'stood-in';
      readonly target: string;
      readonly by: 'stale' | 'fallback';
      readonly failure: CallFailure;
    }
  /** Of breakers of its own; whoever hands over others hears of theirs. */
  | {
      readonly kind: 'breaker-changed';
      readonly target: string;
      readonly key: BreakerKey;
      readonly transition: Transition;
    }
  /** The directory's list makes no sense; the one before goes on serving. */
  | { readonly kind: 'list-refused'; readonly target: string; readonly fault: RangeError };

/** Not to throw, and not to wait. */
export type ProxyListener = (event: ProxyEvent) => void;
