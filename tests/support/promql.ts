/** What a query reads: a metric by its name, with the labels it is asked by and the values it wants. */
export interface Reading {
  readonly metric: string;
  readonly matchers: ReadonlyMap<string, string>;
}

/** What a query of Prometheus reads, and the labels its answer is grouped by. */
export interface Query {
  readonly readings: readonly Reading[];
  readonly groupings: readonly string[];
}

const STRINGS_AND_MORE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\()?/g;
const MATCHER = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring']);

/**
 * As much of PromQL as dashboards and alerts use: names, matchers, functions, ranges, groupings.
 *
 * @throws {SyntaxError} It reads nothing.
 */
export function readQuery(expression: string): Query {
  const groupings = [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  );
  // Ranges go first: their units look like names. Matchers keep their quotes.
  const plain = expression
    .replace(GROUPING, ' ')
    .replace(STRINGS_AND_MORE, (found) => (found.startsWith('[') ? ' ' : found));
  const readings = [...plain.matchAll(SELECTOR)]
    .filter(([, name = '', , call]) => call === undefined && !isNumberOrWord(name))
    .map(([, metric = '', matchers = '']) => ({
      metric,
      matchers: new Map(
        [...matchers.matchAll(MATCHER)].map(([, label = '', value = '']) => [label, value]),
      ),
    }));
  if (readings.length === 0) throw new SyntaxError(`it reads no metric: ${expression}`);
  return { readings, groupings: groupings.filter((label) => label !== '') };
}

const isNumberOrWord = (name: string): boolean => WORDS.has(name) || /^e\d+$/.test(name);
