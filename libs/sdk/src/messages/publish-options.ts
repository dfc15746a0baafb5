import type { Enclosed } from './outgoing';
import type { MessagePriority } from './topic';

export interface PublishOptions extends Enclosed {
  /** Default `normal`. */
  readonly priority?: MessagePriority;
  /** Sent so much later, by the suite, which keeps it until then; 30 days at most. */
  readonly delayMs?: number;
  /** How long its stream may take to acknowledge it, repetitions and all: 60,000 at most. Default 5,000. */
  readonly timeoutMs?: number;
}

/** The stream has it. */
export interface Published {
  readonly messageId: string;
  /** It had it already: this was a repetition. */
  readonly isDuplicate: boolean;
  /** Of one that is delayed: to cancel it. */
  readonly delayedId?: string;
}
