export const LINE_LENGTH_MAX = 500;

/** Text that fits a header or a log line: no line breaks or control characters, at most 500 characters. */
export const oneLine = (text: string, lengthMax = LINE_LENGTH_MAX): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, lengthMax);

/** What a thrown value says, on one line. */
export const reasonOf = (thrown: unknown): string =>
  oneLine(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
