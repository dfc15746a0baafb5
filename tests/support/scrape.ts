/** What Prometheus sees of one name: its type, and each label with the values it has. */
export interface ScrapedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
  /** Numbers of the samples; of a histogram those of its buckets, sums and counts too. */
  readonly values: readonly number[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const PART = /_(bucket|sum|count)$/;

interface Growing {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: Map<string, Set<string>>;
  readonly values: number[];
}

/** Reads Prometheus' own text. @throws {SyntaxError} A line is none of it. */
export function scraped(text: string): ReadonlyMap<string, ScrapedFamily> {
  const families = new Map<string, Growing>();
  let help = '';
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, word, name = '', said = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') help = said;
    else if (word === 'TYPE')
      families.set(name, { name, type: said, help, labels: new Map(), values: [] });
    else note(families, line);
  }
  return families;
}

function note(families: ReadonlyMap<string, Growing>, line: string): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  const family = families.get(name) ?? families.get(name.replace(PART, ''));
  if (!family) throw new SyntaxError(`no metric is announced for: ${line}`);
  family.values.push(Number(value));
  for (const [, label = '', text = ''] of labels.matchAll(LABEL)) {
    const values = family.labels.get(label) ?? new Set<string>();
    family.labels.set(label, values.add(text));
  }
}

/** The same of several processes. */
export function together(
  scrapes: readonly ReadonlyMap<string, ScrapedFamily>[],
): ReadonlyMap<string, ScrapedFamily> {
  const all = new Map<string, ScrapedFamily>();
  for (const family of scrapes.flatMap((scrape) => [...scrape.values()])) {
    const before = all.get(family.name);
    const labels = new Map(before?.labels);
    for (const [label, values] of family.labels)
      labels.set(label, new Set([...(labels.get(label) ?? []), ...values]));
    const values = [...(before?.values ?? []), ...family.values];
    all.set(family.name, { ...family, labels, values });
  }
  return all;
}
