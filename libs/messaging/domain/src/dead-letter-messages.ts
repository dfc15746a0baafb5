import type { DataOf, messagingContract } from '@downbeat/contracts';
import type { Command, FieldError, Instant, Message } from '@downbeat/eventsourcing';

type Status = messagingContract.DeadLetterStatus;

/** A dead letter as the quarantine knows it. */
export interface QuarantinedLetter {
  readonly status: Status;
  /** How often it was sent again. */
  readonly redrives: number;
  readonly consumer: string;
  readonly subject: string;
}

/** Undefined: there is no such letter. */
type About = { readonly letter: QuarantinedLetter | undefined };

/** Of an operation on many letters that asks for it. */
interface Asked {
  readonly operation_id?: string;
}

/** What an operator wrote to be sent instead of the original, without the text itself. */
export interface Written {
  /** SHA-256 of subject, headers and body. */
  readonly content: string;
  readonly subject: string;
  readonly body_bytes: number;
  /** Where it breaks the schema of its subject. */
  readonly faults: readonly FieldError[];
}

/** What is told for ever of a message that was given up on; its body, its headers and the values in the reason are not. */
export interface QuarantineFacts {
  readonly context: string;
  readonly consumer: string;
  readonly subject: string;
  readonly message_id: string;
  /** Without quoted values, numbers and ids. */
  readonly reason: string;
  readonly cause: string;
  readonly attempts: number;
  readonly body_bytes: number;
  readonly correlation_id: string;
}

export type RedriveDeadLetter = About &
  Command<'RedriveDeadLetter', DataOf<typeof messagingContract.redriveDeadLetter> & Asked>;
export type DiscardDeadLetter = About &
  Command<'DiscardDeadLetter', DataOf<typeof messagingContract.discardDeadLetter> & Asked>;
export type PurgeDeadLetter = About &
  Command<'PurgeDeadLetter', DataOf<typeof messagingContract.purgeDeadLetter> & Asked>;
export type EditDeadLetter = About & { readonly written: Written } & Command<
    'EditDeadLetter',
    Pick<
      DataOf<typeof messagingContract.editDeadLetter>,
      'dead_letter_id' | 'expected_revision' | 'reason' | 'force'
    >
  >;
/** The quarantine has it, as these facts say. */
export type RecordQuarantine = Command<
  'RecordQuarantine',
  QuarantineFacts & { readonly dead_letter_id: string }
>;
/** The quarantine shows how a redrive ended. */
export type RecordRedriveEnd = Command<
  'RecordRedriveEnd',
  { readonly dead_letter_id: string; readonly redrive: number; readonly end: RedriveEnd }
>;
export type RedriveEnd =
  | { readonly outcome: 'handled' }
  | {
      readonly outcome: 'failed';
      /** Without values. */
      readonly reason: string;
      readonly cause: string;
      /** Deliveries up to then, those of earlier redrives included. */
      readonly attempts: number;
    };

export type DeadLetterCommand =
  | RedriveDeadLetter
  | DiscardDeadLetter
  | PurgeDeadLetter
  | EditDeadLetter
  | RecordQuarantine
  | RecordRedriveEnd;

interface Said {
  readonly dead_letter_id: string;
  readonly at: Instant;
}

export type DeadLetterQuarantined = Message<'DeadLetterQuarantined', Said & QuarantineFacts>;
/** `revision`: the original is 1. */
export type DeadLetterEdited = Message<
  'DeadLetterEdited',
  Said & {
    readonly revision: number;
    readonly content: string;
    readonly subject: string;
    readonly body_bytes: number;
    readonly reason: string;
    /** It breaks the schema of its subject, and was to be kept all the same. */
    readonly is_forced: boolean;
  }
>;
/**
 * Decided, and sent again because of that. `redrive`: 1 for the first of this letter; `revision` and `content` of
 * what is sent, when that is not the original.
 */
export type DeadLetterRedriven = Message<
  'DeadLetterRedriven',
  Said & {
    readonly redrive: number;
    readonly consumer: string;
    readonly subject: string;
    readonly reason?: string;
    readonly operation_id?: string;
    readonly revision?: number;
    readonly content?: string;
  }
>;
export type DeadLetterHandled = Message<
  'DeadLetterHandled',
  Said & { readonly redrive: number; readonly operation_id?: string }
>;
/** Sent again, and given up on again. */
export type DeadLetterReturned = Message<
  'DeadLetterReturned',
  Said & {
    readonly redrive: number;
    readonly reason: string;
    readonly cause: string;
    readonly attempts: number;
    readonly operation_id?: string;
  }
>;
export type DeadLetterDiscarded = Message<
  'DeadLetterDiscarded',
  Said & {
    readonly consumer: string;
    readonly subject: string;
    readonly reason: string;
    readonly operation_id?: string;
  }
>;
/** Body, headers and exact reason are gone; that there was such a letter stays. */
export type DeadLetterPurged = Message<
  'DeadLetterPurged',
  Said & { readonly reason: string; readonly operation_id?: string }
>;
export type DeadLetterEvent =
  | DeadLetterQuarantined
  | DeadLetterEdited
  | DeadLetterRedriven
  | DeadLetterHandled
  | DeadLetterReturned
  | DeadLetterDiscarded
  | DeadLetterPurged;
