/** Names as they are sent; they are read in lower case. */
export const HEADER = {
  /** For the server's duplicate window, which looks at the id alone: so sender, topic and a hash of the body are part of it. */
  duplicateId: 'Nats-Msg-Id',
  messageId: 'Downbeat-Message-Id',
  correlationId: 'Downbeat-Correlation-Id',
  sender: 'Downbeat-Actor',
  deadLetter: 'Downbeat-Dead-Letter',
  expiresAt: 'Downbeat-Expires-At',
  traceparent: 'traceparent',
} as const;

/** How a header is called when it has been read. */
export const read = (name: keyof typeof HEADER): string => HEADER[name].toLowerCase();

const OWN = /^(nats-|downbeat-|ce-)|^traceparent$/i;
/** RFC 9110, a token. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;
const ID_LENGTH_MAX = 150;
const HEADERS_MAX = 64;

/** What is wrong with headers that somebody gave to a message; undefined when nothing is. */
export function wrongHeaders(headers: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(headers);
  if (all.length > HEADERS_MAX) return `there are more than ${HEADERS_MAX} headers`;
  for (const [name, value] of all) {
    if (!NAME.test(name)) return `${JSON.stringify(name)} is no name of a header`;
    if (OWN.test(name)) return `the header ${name} is not for senders to set`;
    if (!LINE.test(value)) return `the header ${name} must be one line without control characters`;
  }
  return undefined;
}

/** What is wrong with an id that somebody chose; undefined when nothing is. */
export const wrongId = (what: string, id: string): string | undefined =>
  id !== '' && id.length <= ID_LENGTH_MAX && LINE.test(id)
    ? undefined
    : `the ${what} must be one line of 1 to ${ID_LENGTH_MAX} characters`;
