/** Of what may stand between two parts of JSON the greatest. */
const SPACE = 0x20;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * How many keys stand in a text that is known to be JSON: its strings that a colon follows. It jumps
 * from quote to quote, so it costs a fraction of what parsing does.
 */
export function keysWritten(text: string): number {
  let keys = 0;
  for (let quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    quote = closingQuote(text, quote);
    if (isKey(text, quote)) keys++;
  }
  return keys;
}

/** An object or a list that is not closed yet. */
interface Level {
  /** Keys of the object so far; absent in a list. */
  readonly keys?: Set<string>;
  /** Where in it the text stands. */
  place: string | number;
}

/**
 * The first key that its object has already, as a dot path, in a text that is known to be JSON;
 * undefined when there is none within `depthMax` levels.
 */
export function repeatedKey(text: string, depthMax: number): string | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length && levels.length <= depthMax; at++) {
    const level = levels.at(-1);
    switch (text.charAt(at)) {
      case '{':
        levels.push({ keys: new Set(), place: '' });
        break;
      case '[':
        levels.push({ place: 0 });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (typeof level?.place === 'number') level.place++;
        break;
      case '"': {
        const end = closingQuote(text, at);
        if (level?.keys && isKey(text, end)) {
          level.place = JSON.parse(text.slice(at, end + 1)) as string;
          if (level.keys.has(level.place)) return levels.map(({ place }) => place).join('.');
          level.keys.add(level.place);
        }
        at = end;
      }
    }
  }
  return undefined;
}

function closingQuote(text: string, opening: number): number {
  let quote = opening;
  do quote = text.indexOf('"', quote + 1);
  while (isEscaped(text, quote));
  return quote;
}

/** A character is escaped by an odd number of backslashes before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

function isKey(text: string, closing: number): boolean {
  let next = closing + 1;
  while (text.charCodeAt(next) <= SPACE) next++;
  return text.charCodeAt(next) === COLON;
}
