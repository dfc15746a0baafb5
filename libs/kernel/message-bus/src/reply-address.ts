const ADDRESS_LENGTH_MAX = 512;

/**
 * Where an answer may go: `_INBOX.…`, as every NATS client makes it, or `_INBOX_<name>.…`, as clients
 * are told to that have inboxes of their own. Anything else may be somebody's ear: an answer sent to
 * `$JS.API.STREAM.PURGE.<stream>` or to a command's subject would do there what the asker may not.
 *
 * @see Norm Hardy, "The Confused Deputy" (1988).
 */
const INBOX = /^_INBOX(?:_[^\s\p{Cc}.*>]+)?(?:\.[^\s\p{Cc}.*>]+)+$/u;

export const isInbox = (subject: string): boolean =>
  subject.length <= ADDRESS_LENGTH_MAX && INBOX.test(subject);

/** What is wrong with an address that is none. */
export const NO_INBOX = 'must be an inbox: _INBOX.<id> or _INBOX_<name>.<id>';
