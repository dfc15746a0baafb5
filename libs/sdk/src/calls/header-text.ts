/** Longer than any key or id has to be, and short enough for all of them in one request. */
const LENGTH_MAX = 1_024;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Whether a text goes on as a header as it is, over HTTP and NATS: printable ASCII, 1 to 1,024 characters. */
export const isHeaderText = (text: string): boolean =>
  text.length <= LENGTH_MAX && PRINTABLE_ASCII.test(text);
