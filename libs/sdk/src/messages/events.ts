/** What becomes of messages, for the service's log. */
export type MessageEvent =
  /** Its consumers are there. `isNewStream`: the one before was lost, with what it held. */
  | { readonly type: 'subscribed'; readonly isNewStream: boolean }
  | { readonly type: 'not-subscribed-yet'; readonly reason: string; readonly delayMs: number }
  /** Of its instances so many wait for messages on a consumer that there is no place for this one; asked again by itself. */
  | {
      readonly type: 'too-many-wait';
      readonly topic: string;
      readonly consumer: string;
      readonly delayMs: number;
    }
  | ({
      readonly type: 'message-retried';
      readonly attempt: number;
      readonly reason: string;
      readonly delayMs: number;
    } & AboutMessage)
  | ({
      readonly type: 'message-dead-lettered';
      readonly attempts: number;
      readonly reason: string;
      readonly deadLetterId: string;
    } & AboutMessage)
  /** It stays on its stream and comes again, because nobody took it as a dead letter. */
  | ({ readonly type: 'dead-letter-waits'; readonly reason: string } & AboutMessage)
  /** It is no longer on its stream, which was lost or is too old: there is nothing left to set aside. */
  | ({ readonly type: 'message-gone'; readonly reason: string } & AboutMessage)
  /** Its time was over before it could be handled for the first time. */
  | ({ readonly type: 'message-expired' } & AboutMessage)
  | {
      readonly type: 'broadcast-not-understood';
      readonly topic: string;
      readonly reason: string;
    }
  /** A thousand are being listened to; told when it begins. */
  | { readonly type: 'broadcasts-missed'; readonly topic: string };

export interface AboutMessage {
  readonly topic: string;
  readonly messageId: string;
}

const LENGTH_MAX = 500;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;

/** One line of what was thrown, as a dead letter may hold it. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  // Cut in the middle of a pair, half a character would be left.
  const line = text
    .slice(0, 2 * LENGTH_MAX)
    .replace(UNPRINTABLE, ' ')
    .trim();
  return (
    line
      .slice(0, LENGTH_MAX)
      .replace(/[\uD800-\uDBFF]$/, '')
      .trim() || 'no reason was given'
  );
}
