export const LINE_LENGTH_MAX = 500;

/** Words of visible ASCII with one blank between them: most of what comes here, and cheap to see. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** Text that fits a header or a log line: no line breaks or control characters, at most 500 characters. */
export const oneLine = (text: string, lengthMax = LINE_LENGTH_MAX): string =>
  (PLAIN.test(text) ? text : onOneLine(text)).slice(0, lengthMax);

const onOneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

/** What a thrown value says, on one line. */
export const reasonOf = (thrown: unknown): string =>
  oneLine(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
